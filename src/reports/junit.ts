import { endpointKey } from '../model/endpoint.ts';
import { type Finding, isAtLeast, type Severity } from '../model/finding.ts';
import { compareText } from '../util/compare.ts';
import { printable } from './printable.ts';
import type { ReportFormat, ReportInput } from './report-format.ts';
import { counts, subjectText } from './words.ts';

interface TestCase {
  /** Test suite: a host, `register`, or `workspace`. */
  readonly suite: string;
  readonly subject: string;
  readonly name: string;
  readonly kind: 'passed' | 'failure' | 'skipped';
  readonly message: string;
  readonly text: string;
}

/**
 * A test case per subject and rule with findings, and one per endpoint without any. Only CONFORMS passes: what is below
 * the bar, accepted, known or undetermined is skipped with the reason, because unknown is not compliant.
 */
export const junit: ReportFormat = {
  name: 'junit',
  title: 'JUnit XML, for CI servers',
  render(input) {
    const cases = [...findingCases(input), ...quietCases(input)];
    const suites = [...Map.groupBy(cases, (c) => c.suite)].sort(([a], [b]) => compareText(a, b));
    const body = suites.map(
      ([name, members]) =>
        `  <testsuite name=${quote(name)} ${totals(members)}>\n${members.map(caseXml).join('')}  </testsuite>\n`,
    );
    return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="quietdoor" ${totals(cases)}>\n${body.join('')}</testsuites>\n`;
  },
};

function findingCases({ result, failOn }: ReportInput): TestCase[] {
  const groups = Map.groupBy(result.findings, (f) => `${f.subject.kind}\n${subjectText(f.subject)}\n${f.rule}`);
  return [...groups.values()].map((findings) => {
    const [first] = findings as [Finding, ...Finding[]];
    const failing = findings.filter((f) => counts(f) && isAtLeast(f.severity, failOn));
    const kind = failing.length > 0 ? 'failure' : 'skipped';
    const shown = failing.length > 0 ? failing : findings;
    return {
      suite: suiteOf(first),
      subject: subjectText(first.subject),
      name: first.rule,
      kind,
      message: kind === 'failure' ? `${first.severity}: ${shown[0]?.message}` : reasonOf(first, failOn),
      text: shown
        .map((f) => `${printable(f.message)}\n${printable(f.remediation)}\nfingerprint ${f.fingerprint}`)
        .join('\n\n'),
    };
  });
}

function reasonOf(f: Finding, failOn: Severity): string {
  if (f.status === 'accepted') return `accepted by exception ${f.exception ?? 'unnamed'}: ${f.message}`;
  if (f.inBaseline) return `known from the baseline: ${f.message}`;
  return `${f.severity}, below ${failOn}: ${f.message}`;
}

function quietCases({ result }: ReportInput): TestCase[] {
  return result.results
    .filter((r) => r.findings.length === 0)
    .map(({ facts, verdict }) => {
      const conforms = verdict.word === 'CONFORMS';
      const message = `${verdict.word}: ${verdict.reasons.join('; ')}`;
      const subject = endpointKey(facts.endpoint);
      return {
        suite: facts.endpoint.host,
        subject,
        name: 'verdict',
        kind: conforms ? 'passed' : 'skipped',
        message,
        text: '',
      };
    });
}

function suiteOf(f: Finding): string {
  const { subject } = f;
  if (subject.kind === 'endpoint') return subject.endpoint.host;
  return subject.kind === 'host' ? subject.host : subject.kind === 'entry' ? 'register' : 'workspace';
}

function totals(cases: readonly TestCase[]): string {
  const n = (kind: TestCase['kind']) => cases.filter((c) => c.kind === kind).length;
  return `tests="${cases.length}" failures="${n('failure')}" errors="0" skipped="${n('skipped')}" time="0"`;
}

function caseXml(c: TestCase): string {
  const open = `    <testcase classname=${quote(c.subject)} name=${quote(c.name)} time="0"`;
  if (c.kind === 'passed') return `${open}/>\n`;
  const inside =
    c.kind === 'failure'
      ? `<failure type=${quote(c.name)} message=${quote(c.message)}>${xmlText(c.text)}</failure>`
      : `<skipped message=${quote(c.message)}/>`;
  return `${open}>${inside}</testcase>\n`;
}

function quote(words: string): string {
  return `"${xmlText(printable(words))}"`;
}

/** XML 1.0 allows neither control characters (spelled out before) nor U+FFFE and U+FFFF, not even as references. */
function xmlText(words: string): string {
  return words
    .replace(/[\ufffe\uffff]/g, '\ufffd')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
