import type { Finding } from '../model/finding.ts';
import { type CsvValue, csvFile } from './csv-text.ts';
import type { ReportFormat } from './report-format.ts';
import { isoTime } from './time.ts';
import { subjectText } from './words.ts';

const HEAD = [
  'severity',
  'status',
  'rule',
  'subject',
  'host',
  'scope',
  'transport',
  'port',
  'entry',
  'message',
  'remediation',
  'evidence',
  'controls',
  'first_seen',
  'last_seen',
  'exception',
  'in_baseline',
  'file',
  'line',
  'fingerprint',
] as const;

export const csv: ReportFormat = {
  name: 'csv',
  title: 'one finding per row, for spreadsheets',
  render: ({ result }) => csvFile(HEAD, [...result.findings, ...result.resolved].map(row)),
};

function row(f: Finding): CsvValue[] {
  const host = f.endpoint?.host ?? (f.subject.kind === 'host' ? f.subject.host : null);
  const evidence = f.evidence.map((e) => `${e.label}: ${e.value}`).join('; ');
  const controls = f.controls.map((c) => `${c.framework} ${c.id}`).join('; ');
  return [
    ...[f.severity, f.status, f.rule, subjectText(f.subject)],
    ...[host, f.endpoint?.scope, f.endpoint?.transport, f.endpoint?.port, f.entry],
    ...[f.message, f.remediation, evidence, controls, isoTime(f.firstSeen), isoTime(f.lastSeen)],
    ...[f.exception, f.inBaseline === true ? 'yes' : 'no', f.at?.file, f.at?.line, f.fingerprint],
  ];
}
