import { type Advisory, type AdvisoryData, packageKeyOf, packageKeyText } from '../model/advisory.ts';
import { describePort, widestBind } from '../model/describe.ts';
import type { EndpointFacts, EstateFacts } from '../model/facts.ts';
import { type FindingDraft, SEVERITIES, type Severity } from '../model/finding.ts';
import { DAY_MS } from '../model/register.ts';
import { versionOrder } from '../model/versions/index.ts';
import { compareBy } from '../util/compare.ts';
import { count, duration, listWords, utcTime } from '../util/words.ts';
import { advisorySeverity } from './advisory-severity.ts';
import type { Check } from './check.ts';
import { type PackageBehind, packagesBehind, upgradeStep } from './packages-behind.ts';

/** Vulnerabilities that the evidence spells out, worst first. */
const MAX_NAMED = 10;
/** Data whose newest record is older than this was not fetched lately. */
const OLD_DATA_MS = 7 * DAY_MS;

export const vulnerableService: Check = {
  id: 'vulnerable-service',
  title: 'Service with known vulnerabilities',
  severity: 'high',
  rationale:
    'A known flaw in a program that answers on the network can be used by whoever reaches the port, and for some it is ' +
    'known that somebody does. What is known of the package is looked up in the data that was given, by the order of ' +
    "versions of the host's distribution.",
  remediation: 'Install the version that repairs it and restart the service; until then narrow who can connect.',
  lacking: ({ estate }) => (estate.advisories ? null : 'no vulnerability data was given'),
  endpoint(facts, { advisories }) {
    return advisories ? packagesBehind(facts).flatMap((behind) => judge(facts, behind, advisories)) : [];
  },
  estate(estate) {
    return estate.advisories ? coverageOf(estate.advisories, estate) : [];
  },
};

function judge(facts: EndpointFacts, behind: PackageBehind, data: AdvisoryData): FindingDraft[] {
  const { name, version } = behind.facts;
  const key = packageKeyOf(behind.facts);
  const known = (key && data.byPackage.get(packageKeyText(key))) ?? [];
  if (known.length === 0) return [];
  const worstFirst = known.toSorted(
    compareBy(
      (a) => SEVERITIES.length - SEVERITIES.indexOf(advisorySeverity(a)),
      (a) => a.id,
    ),
  );
  const exploited = worstFirst.flatMap((a) => (a.exploited ? [a.exploited.cve] : []));
  return [
    {
      subject: { kind: 'endpoint', endpoint: facts.endpoint },
      discriminator: name,
      severity: severityOf(worstFirst[0] as Advisory, widestBind(facts) === 'loopback'),
      message:
        `${name} ${version} behind port ${describePort(facts.endpoint)} has ` +
        `${count(known.length, 'known vulnerability', 'known vulnerabilities')}` +
        `${exploited.length > 0 ? `, and ${listWords(exploited, 3)} ${exploited.length === 1 ? 'is' : 'are'} known to be exploited` : ''}.`,
      evidence: [
        { label: 'package', value: packageText(behind) },
        ...worstFirst.slice(0, MAX_NAMED).map((advisory) => ({ label: advisory.id, value: textOf(advisory) })),
        ...(known.length > MAX_NAMED ? [{ label: 'and', value: `${known.length - MAX_NAMED} more` }] : []),
        ...(data.newest === null ? [] : [{ label: 'data of', value: utcTime(data.newest) }]),
      ],
      remediation: remedyOf(behind, known),
    },
  ];
}

/** What only the host itself reaches is one step less bad, unless somebody is known to exploit it. */
function severityOf(worst: Advisory, isLoopback: boolean): Severity {
  const severity = advisorySeverity(worst);
  if (!isLoopback || worst.exploited || severity === 'info') return severity;
  return SEVERITIES[SEVERITIES.indexOf(severity) - 1] as Severity;
}

function packageText({ facts: { name, version, source, sourceVersion, ecosystem } }: PackageBehind): string {
  const from = source === undefined ? '' : `, built from ${source}${sourceVersion ? ` ${sourceVersion}` : ''}`;
  return `${name} ${version}${from}, ${ecosystem}`;
}

function textOf({ aliases, severity, fixed, exploited, summary }: Advisory): string {
  const parts = [
    ...(aliases.length > 0 ? [listWords(aliases, 5)] : []),
    ...(severity === undefined ? [] : [severity]),
    fixed === undefined ? 'no fix is known' : `fixed in ${fixed}`,
    ...(exploited
      ? [
          `exploited${exploited.ransomware ? ' by ransomware' : ''}${exploited.due === undefined ? '' : `, to be repaired by ${exploited.due}`}`,
        ]
      : []),
  ];
  return summary === '' ? parts.join('; ') : `${parts.join('; ')}: ${summary}`;
}

function remedyOf(behind: PackageBehind, known: readonly Advisory[]): string {
  const order = versionOrder(behind.facts.manager);
  const fixes = known.flatMap((a) => a.fixed ?? []).sort(order);
  const latest = fixes.at(-1);
  if (latest === undefined)
    return 'No version that repairs it is known. Narrow who can connect, or accept it with an exception until there is one.';
  const some = fixes.length === 1 ? '1 of them is' : `${fixes.length} of them are`;
  const which = known.length === 1 ? 'It is' : fixes.length === known.length ? 'All of them are' : some;
  return `${which} repaired in version ${latest}. ${upgradeStep(behind)}`;
}

/** What the given data says nothing of: silence about a package must not be taken for health. */
function coverageOf({ newest, notCovered = [], problems }: AdvisoryData, { now }: EstateFacts): FindingDraft[] {
  const found: FindingDraft[] = [];
  const say = (discriminator: string, message: string, evidence: FindingDraft['evidence'], remediation: string) =>
    found.push({ subject: { kind: 'estate' }, severity: 'info', discriminator, message, evidence, remediation });
  if (notCovered.length > 0)
    say(
      'not-covered',
      `The vulnerability data says nothing of ${listWords(notCovered.map((n) => n.ecosystem))}, so nothing is known of ${count(
        notCovered.reduce((sum, n) => sum + n.packages, 0),
        'package',
      )} behind listeners there.`,
      notCovered.map((n) => ({ label: n.ecosystem, value: count(n.packages, 'package') })),
      'Add the OSV export of the distribution to vulnerabilities.osv in quietdoor.yaml.',
    );
  if (problems.length > 0)
    say(
      'unreadable',
      `Some of the vulnerability data could not be read, so vulnerabilities may be missing: ${problems[0]}`,
      problems.slice(0, MAX_NAMED).map((value) => ({ label: 'problem', value })),
      'Fetch the data again: docs/how-to/patch-state.md',
    );
  if (newest !== null && now - newest > OLD_DATA_MS)
    say(
      'old-data',
      `The newest record of the vulnerability data is ${duration(now - newest)} old; what was found since is not known.`,
      [{ label: 'newest record', value: utcTime(newest) }],
      'Fetch the data again: docs/how-to/patch-state.md',
    );
  return found;
}
