import { findingJson } from './finding-json.ts';
import { printableJson } from './printable.ts';
import type { ReportFormat } from './report-format.ts';
import { isoTime } from './time.ts';
import { totalsOf } from './words.ts';

export const jsonl: ReportFormat = {
  name: 'jsonl',
  title: 'one finding per line, for log pipelines',
  render({ result }) {
    const { register, hosts } = result.facts.estate;
    const lines = [
      {
        type: 'check',
        schemaVersion: result.schemaVersion,
        version: result.version,
        asOf: isoTime(result.now),
        register: { digest: register.digest, name: register.name },
        summary: totalsOf(result),
      },
      ...result.findings.map((f) => ({ type: 'finding', ...findingJson(f) })),
      ...result.resolved.map((f) => ({ type: 'finding', ...findingJson(f) })),
      ...hosts.flatMap((h) => h.gaps.map((gap) => ({ type: 'gap', host: h.host.name, vantage: h.vantage, ...gap }))),
    ];
    return lines.map((line) => `${printableJson(line)}\n`).join('');
  },
};
