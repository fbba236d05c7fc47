import { describePort, widestBind } from '../model/describe.ts';
import type { FindingDraft } from '../model/finding.ts';
import { DAY_MS } from '../model/register.ts';
import { versionOrder } from '../model/versions/index.ts';
import { duration, utcTime } from '../util/words.ts';
import type { Check } from './check.ts';
import { packagesBehind, upgradeStep } from './packages-behind.ts';

/** Lists of packages that are older than this were not asked for lately; newer versions may be out. */
const OLD_DATA_MS = 14 * DAY_MS;

export const outdatedPackage: Check = {
  id: 'outdated-package',
  title: 'A newer version of the package is on offer',
  severity: 'medium',
  rationale:
    'A service that others can reach is where a flaw in a package does harm, and what a distribution repairs it also ' +
    "publishes. The host's own package manager knows of the newer version; nobody has installed it yet.",
  remediation: 'Install the newer version and restart the service.',
  lacking: ({ endpoints }) =>
    endpoints.some((facts) => packagesBehind(facts).some((behind) => behind.facts.candidate !== undefined))
      ? null
      : 'no package manager had a list of newer versions',
  endpoint(facts, estate) {
    return packagesBehind(facts).flatMap((behind): FindingDraft[] => {
      const { name, version, manager, candidate } = behind.facts;
      if (candidate === undefined || versionOrder(manager)(version, candidate.version) >= 0) return [];
      const isSecurity = candidate.security === true;
      const age = estate.now - candidate.dataAt;
      const replaced = behind.processes.filter((process) => process.exeState === 'replaced');
      return [
        {
          subject: { kind: 'endpoint', endpoint: facts.endpoint },
          discriminator: name,
          severity: isSecurity && widestBind(facts) !== 'loopback' ? 'medium' : 'low',
          message:
            `${name} ${version} behind port ${describePort(facts.endpoint)} is outdated: ` +
            `${candidate.version} is on offer${isSecurity ? ', with a security update among what is missing' : ''}.`,
          evidence: [
            { label: 'installed', value: `${name} ${version}` },
            { label: 'on offer', value: candidate.version },
            {
              label: 'package lists of',
              value: `${utcTime(candidate.dataAt)}${age > OLD_DATA_MS ? `, ${duration(age)} old: newer versions may be out` : ''}`,
            },
            ...replaced.map((process) => ({
              label: `pid ${process.pid}`,
              value: 'still runs the program as it was before an update',
            })),
          ],
          remediation: upgradeStep(behind),
        },
      ];
    });
  },
};
