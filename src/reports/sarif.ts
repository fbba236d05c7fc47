import { endpointKey } from '../model/endpoint.ts';
import type { SourcePosition } from '../model/errors.ts';
import type { Finding, Severity } from '../model/finding.ts';
import type { RegisterProblem } from '../model/register.ts';
import type { RuleInfo } from '../model/rule.ts';
import { compareText } from '../util/compare.ts';
import { printable, printableJson } from './printable.ts';
import type { ReportFormat, ReportInput } from './report-format.ts';
import { repositoryPath } from './repository-path.ts';
import { isoTime } from './time.ts';
import { subjectText } from './words.ts';

const LEVEL: Readonly<Record<Severity, 'error' | 'warning' | 'note'>> = {
  critical: 'error',
  high: 'error',
  medium: 'warning',
  low: 'note',
  info: 'note',
};

/** GitHub reads a CVSS-like number: above 9.0 critical, from 7.0 high, from 4.0 medium, else low. */
const SECURITY_SEVERITY: Readonly<Record<Severity, string>> = {
  critical: '9.5',
  high: '8.0',
  medium: '5.5',
  low: '2.0',
  info: '0.1',
};

/** GitHub refuses a rule with more tags than this. */
const MOST_TAGS = 20;

/**
 * SARIF 2.1.0 (OASIS standard). GitHub code scanning drops a result without a physicalLocation: a finding about a
 * listener that no entry covers stands at the first line of quietdoor.yaml, and its logicalLocation names the endpoint.
 * Paths are relative to the top of the repository (`%SRCROOT%`),
 * or to the workspace where it lies in none.
 */
export const sarif: ReportFormat = {
  name: 'sarif',
  title: 'SARIF 2.1.0, for code scanning',
  render(input, { folder = '' }) {
    const { result } = input;
    const { register, hosts } = result.facts.estate;
    const rules = rulesOf(input);
    const indexOf = new Map(rules.map((rule, i) => [rule.id, i]));
    const reasons = new Map(register.exceptions.map((e) => [e.id, e.reason]));
    const log = {
      $schema: 'https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/schemas/sarif-schema-2.1.0.json',
      version: '2.1.0',
      runs: [
        {
          tool: { driver: { name: 'Quietdoor', semanticVersion: result.version, rules } },
          automationDetails: { id: `quietdoor/${encodeURIComponent(register.name.toWellFormed())}/` },
          columnKind: 'utf16CodeUnits',
          originalUriBaseIds: {
            '%SRCROOT%': {
              description: { text: 'The top of the repository, or the workspace where it lies in none.' },
            },
          },
          invocations: [
            {
              executionSuccessful: register.problems.every((p) => p.severity !== 'error'),
              endTimeUtc: isoTime(result.now) ?? undefined,
              toolConfigurationNotifications: register.problems.map((p) => problemNotification(p, folder)),
              toolExecutionNotifications: hosts.flatMap((h) =>
                h.gaps.map((gap) => ({ level: 'note', message: { text: plain(`${h.host.name}: ${gap.message}`) } })),
              ),
            },
          ],
          results: result.findings.map((f) => resultOf(f, indexOf.get(f.rule) ?? -1, reasons, folder)),
          properties: { register: register.digest },
        },
      ],
    };
    return `${printableJson(log, 2)}\n`;
  },
};

/** Every rule that was applied, and any that only a finding names, by id. */
function rulesOf({ rules, frameworks, result }: ReportInput) {
  const known = new Map<string, RuleInfo>(rules.map((rule) => [rule.id, rule]));
  for (const f of result.findings)
    if (!known.has(f.rule))
      known.set(f.rule, {
        id: f.rule,
        title: f.rule,
        severity: f.severity,
        rationale: f.rule,
        remediation: f.remediation,
      });
  return [...known.values()]
    .sort((a, b) => compareText(a.id, b.id))
    .map((rule) => {
      const controls = frameworks.flatMap((f) =>
        f.controls.filter((c) => c.checks.includes(rule.id)).map((c) => `${f.id}/${c.id}`),
      );
      const covered = controls.length === 0 ? '' : `\n\nControls: ${controls.join(', ')}`;
      return {
        id: rule.id,
        shortDescription: { text: rule.title },
        fullDescription: { text: rule.rationale },
        help: {
          text: `${rule.rationale}\n\nWhat to do: ${rule.remediation}${covered}`,
          markdown: `${rule.rationale}\n\n**What to do:** ${rule.remediation}${covered}`,
        },
        defaultConfiguration: { level: LEVEL[rule.severity] },
        properties: {
          tags: [...new Set(['security', ...controls])].slice(0, MOST_TAGS),
          'security-severity': SECURITY_SEVERITY[rule.severity],
          precision: 'very-high',
        },
      };
    });
}

function resultOf(f: Finding, ruleIndex: number, reasons: ReadonlyMap<string, string>, folder: string) {
  const { severity, status, remediation, evidence, controls, entry } = f;
  return {
    ruleId: f.rule,
    ruleIndex,
    level: LEVEL[f.severity],
    message: { text: plain(`${f.message} ${f.remediation}`) },
    locations: [locationOf(f, folder)],
    partialFingerprints: { 'quietdoorFinding/v1': f.fingerprint },
    suppressions: suppressionsOf(f, reasons),
    properties: {
      severity,
      status,
      remediation,
      evidence,
      controls,
      entry,
      firstSeen: isoTime(f.firstSeen) ?? undefined,
    },
  };
}

/** Where one result is suppressed, all must say whether they are (SARIF 3.27.23): none has an empty list. */
function suppressionsOf(f: Finding, reasons: ReadonlyMap<string, string>) {
  if (f.status === 'accepted') {
    const reason = reasons.get(f.exception ?? '');
    const justification = printable(`exception ${f.exception ?? 'unnamed'}${reason ? `: ${reason}` : ''}`);
    return [{ kind: 'external', status: 'accepted', justification }];
  }
  return f.inBaseline ? [{ kind: 'external', status: 'accepted', justification: 'known from the baseline file' }] : [];
}

function locationOf(f: Finding, folder: string) {
  const name = f.endpoint ? endpointKey(f.endpoint) : subjectText(f.subject);
  return {
    physicalLocation: physicalLocation(f.at ?? { file: 'quietdoor.yaml', line: 1, column: 1 }, folder),
    logicalLocations: [
      { name: printable(name), fullyQualifiedName: printable(`${f.subject.kind}/${name}`), kind: 'resource' },
    ],
  };
}

function physicalLocation(at: SourcePosition, folder: string) {
  return {
    artifactLocation: artifact(repositoryPath(at.file, folder)),
    region: { startLine: Math.max(1, at.line), startColumn: Math.max(1, at.column) },
  };
}

/** A path as a URI reference: each segment percent-encoded; a path outside the workspace becomes a file URI. */
function artifact(file: string) {
  const path = file.toWellFormed().split('/').map(encodeURIComponent).join('/');
  return file.startsWith('/') ? { uri: `file://${path}` } : { uri: path, uriBaseId: '%SRCROOT%' };
}

function problemNotification(p: RegisterProblem, folder: string) {
  return {
    level: p.severity,
    message: { text: plain(`${p.code}: ${p.message}${p.hint ? ` (${p.hint})` : ''}`) },
    locations: [{ physicalLocation: physicalLocation(p.at, folder) }],
  };
}

/** Message text in which nothing is a link: `[text](target)` would be one (SARIF 3.11.6). */
function plain(words: string): string {
  return printable(words).replaceAll('](', '] (');
}
