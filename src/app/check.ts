import { rulesFor } from '../checks/rules-for.ts';
import { runChecks } from '../checks/run.ts';
import { controlsOfRule, loadFrameworks } from '../frameworks/load.ts';
import { buildFacts } from '../model/build-facts.ts';
import type { Endpoint } from '../model/endpoint.ts';
import { EVENT_TYPES } from '../model/event.ts';
import type { CheckResult } from '../model/facts.ts';
import type { Finding } from '../model/finding.ts';
import type { Framework } from '../model/framework.ts';
import type { Identities } from '../model/identity.ts';
import type { RuleInfo } from '../model/rule.ts';
import { judgeApprovals } from '../register/approval.ts';
import type { LoadedWorkspace } from '../register/workspace.ts';
import type { Store } from '../store/store.ts';
import { asOf, type Context } from './context.ts';
import { identitiesAt } from './identities.ts';
import { keepIdentities } from './keep-identities.ts';
import { loadFirewalls } from './load-firewalls.ts';
import { keepRegister, loadRegister, registerCache } from './load-register.ts';
import { loadTraffic } from './load-traffic.ts';
import { openState } from './state.ts';
import { loadSurroundings } from './surroundings.ts';
import { VERSION } from './version.ts';
import { type VulnerabilityFiles, vulnerabilityFiles } from './vulnerability-files.ts';

/** Newest events that a report shows. */
const EVENTS_IN_REPORT = 100;
/** Making a report is an event too, but no fact that a report shows: the next one would differ by it. */
const SHOWN_EVENTS = EVENT_TYPES.filter((type) => type !== 'evidence.exported');

export interface CheckOutcome {
  readonly result: CheckResult;
  readonly frameworks: readonly Framework[];
  readonly rules: readonly RuleInfo[];
  readonly workspace: LoadedWorkspace;
  /** Why the history of findings was not written down; null where it was. */
  readonly notRecorded: string | null;
  /** Every name that a host goes by. */
  readonly identities: Identities;
}

/** Compares what is approved with what is observed. Throws UserError where the workspace or the store cannot be used. */
export async function check(
  context: Context,
  options: { readonly baseline?: ReadonlySet<string>; readonly vulnerabilities?: VulnerabilityFiles } = {},
): Promise<CheckOutcome> {
  const { store, readOnly } = await openState(context);
  try {
    return await checkWith(context, store, {
      record: readOnly === null,
      notRecorded: readOnly,
      baseline: options.baseline ?? new Set(),
      ...(options.vulnerabilities && { vulnerabilities: options.vulnerabilities }),
    });
  } finally {
    await store?.close();
  }
}

/** How a check treats the store. */
export interface CheckOptions {
  /** Write down the register and the history of findings. */
  readonly record: boolean;
  /** Why the store cannot be written, for the person; null where it can. */
  readonly notRecorded: string | null;
  /** Fingerprints of findings known from a baseline file. */
  readonly baseline: ReadonlySet<string>;
  /** Endpoints to answer for although nothing may listen there, by what is known of hosts. */
  readonly also?: (known: Identities) => readonly Endpoint[];
  /** Vulnerability data to use instead of what the workspace names. */
  readonly vulnerabilities?: VulnerabilityFiles;
}

/** The same with a store that is open already (null: nothing is known). */
export async function checkWith(
  context: Context,
  store: Store | null,
  { record, notRecorded, baseline, also, vulnerabilities }: CheckOptions,
): Promise<CheckOutcome> {
  const now = asOf(context);
  const workspace = await loadRegister(context, store, record);
  const { register } = workspace;
  const approvals = await judgeApprovals({
    ...{ workspace, dir: context.workspace, now, env: context.env },
    ...(store ? { cache: registerCache(store, record) } : {}),
  });
  const [hosts, listeners] = store ? [await store.hostStates(), await store.listenerStates()] : [[], []];
  const surroundings = await loadSurroundings(store, {
    ...{ workspace, now, listeners, record },
    vulnerabilities: vulnerabilities ?? vulnerabilityFiles(register, context.workspace),
  });
  const identities = identitiesAt(now, register, { hosts, listeners, assets: surroundings.assets });
  const asked = also?.(identities) ?? [];
  const filters =
    store && (await loadFirewalls(store, identities, register, { also: asked, only: also !== undefined }));
  const trafficOf =
    store && (await loadTraffic(context, store, { identities, register, now, also: asked, only: also !== undefined }));
  const facts = buildFacts({
    ...{ now, register, approvals, also: asked },
    ...{ hosts: identities.hosts, listeners: identities.listeners, known: identities.known },
    surroundings: { ...surroundings, identity: identities.notices, ...(filters && { firewalls: filters.firewalls }) },
    ...(filters && { admissionOf: filters.admissionOf }),
    ...(trafficOf && { trafficOf }),
  });
  const frameworks = loadFrameworks(register.frameworks.map((choice) => choice.id));
  const controlsOf = controlsOfRule(frameworks);
  const known = store ? await store.findingsFirstSeen() : new Map<string, number>();
  const { findings: raised, results } = runChecks(facts, controlsOf, {
    firstSeen: (fingerprint) => known.get(fingerprint),
  });
  const mark = (finding: Finding): Finding =>
    baseline.has(finding.fingerprint) ? { ...finding, inBaseline: true } : finding;
  const findings = baseline.size > 0 ? raised.map(mark) : raised;
  let resolved: readonly Finding[] = [];
  if (store && record) {
    await keepRegister(context, store, workspace);
    // What a broken part of the register hides is not resolved: the history waits until all of it can be read.
    const isWhole = register.problems.every((problem) => problem.severity !== 'error');
    if (isWhole) await keepIdentities(context, store, identities.notices);
    const gone = isWhole ? (await store.syncFindings(raised, now)).resolved : [];
    resolved = gone.map((finding) => ({ ...finding, controls: controlsOf(finding.rule) }));
  }
  return {
    ...{ workspace, identities },
    frameworks,
    rules: rulesFor(facts),
    notRecorded,
    result: {
      schemaVersion: 1,
      version: VERSION,
      now,
      facts,
      results: baseline.size > 0 ? results.map((r) => ({ ...r, findings: r.findings.map(mark) })) : results,
      findings,
      resolved,
      events: store ? await store.events({ types: SHOWN_EVENTS, limit: EVENTS_IN_REPORT }) : [],
    },
  };
}
