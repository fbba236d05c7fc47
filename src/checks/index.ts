import { addressConflict } from './address-conflict.ts';
import { approvalExpired } from './approval-expired.ts';
import { approvedButBlocked } from './approved-but-blocked.ts';
import { binaryReplaced } from './binary-replaced.ts';
import { brokenRegister } from './broken-register.ts';
import { certificateExpired } from './certificate-expired.ts';
import { changeWithoutTicket } from './change-without-ticket.ts';
import type { Check } from './check.ts';
import { cleartextService } from './cleartext-service.ts';
import { coverageGap } from './coverage-gap.ts';
import { deniedBurst } from './denied-burst.ts';
import { dormantPortActive } from './dormant-port-active.ts';
import { expiredException } from './expired-exception.ts';
import { exposedUndecidable } from './exposed-undecidable.ts';
import { firewallAbsent } from './firewall-absent.ts';
import { firstSeenSource } from './first-seen-source.ts';
import { logReviewOverdue } from './log-review-overdue.ts';
import { missedRun } from './missed-run.ts';
import { missingJustification } from './missing-justification.ts';
import { noDefaultDeny } from './no-default-deny.ts';
import { offHours } from './off-hours.ts';
import { openWiderThanApproved } from './open-wider-than-approved.ts';
import { orphanOwner } from './orphan-owner.ts';
import { outdatedPackage } from './outdated-package.ts';
import { overlappingEntries } from './overlapping-entries.ts';
import { policyDeviation } from './policy-deviation.ts';
import { privilegedListener } from './privileged-listener.ts';
import { prohibitedService } from './prohibited-service.ts';
import { registeredNotListening } from './registered-not-listening.ts';
import { reviewOverdue } from './review-overdue.ts';
import { ruleWithoutEntry } from './rule-without-entry.ts';
import { rulesDrifted } from './rules-drifted.ts';
import { shadowedRule } from './shadowed-rule.ts';
import { staleObservation } from './stale-observation.ts';
import { ticketWithoutChange } from './ticket-without-change.ts';
import { trafficSpike } from './traffic-spike.ts';
import { unapprovedEntry } from './unapproved-entry.ts';
import { unapprovedSource } from './unapproved-source.ts';
import { uncoveredAsset } from './uncovered-asset.ts';
import { unexpectedSilence } from './unexpected-silence.ts';
import { unknownAsset } from './unknown-asset.ts';
import { unloggedPort } from './unlogged-port.ts';
import { unregisteredListener } from './unregistered-listener.ts';
import { unusedPort } from './unused-port.ts';
import { unusedSource } from './unused-source.ts';
import { vantageDisagreement } from './vantage-disagreement.ts';
import { vulnerableService } from './vulnerable-service.ts';
import { weakTls } from './weak-tls.ts';
import { widerBind } from './wider-bind.ts';
import { wrongProcess } from './wrong-process.ts';

/** Every check, in the order of the documentation: what is observed, what is admitted, what is approved, what is known. */
export const checks: readonly Check[] = [
  unregisteredListener,
  registeredNotListening,
  wrongProcess,
  widerBind,
  prohibitedService,
  binaryReplaced,
  outdatedPackage,
  vulnerableService,
  privilegedListener,
  cleartextService,
  weakTls,
  certificateExpired,
  vantageDisagreement,
  openWiderThanApproved,
  approvedButBlocked,
  exposedUndecidable,
  firewallAbsent,
  noDefaultDeny,
  ruleWithoutEntry,
  shadowedRule,
  rulesDrifted,
  unloggedPort,
  unapprovedEntry,
  missingJustification,
  approvalExpired,
  reviewOverdue,
  orphanOwner,
  overlappingEntries,
  brokenRegister,
  expiredException,
  policyDeviation,
  staleObservation,
  addressConflict,
  coverageGap,
  unknownAsset,
  uncoveredAsset,
  unapprovedSource,
  dormantPortActive,
  deniedBurst,
  firstSeenSource,
  trafficSpike,
  offHours,
  unexpectedSilence,
  unusedPort,
  unusedSource,
  missedRun,
  logReviewOverdue,
  changeWithoutTicket,
  ticketWithoutChange,
];
