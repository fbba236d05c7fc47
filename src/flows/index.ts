import { awsVpc } from './aws-vpc.ts';
import { conntrackText } from './conntrack-text.ts';
import { csv } from './csv.ts';
import { eve } from './eve.ts';
import type { FlowFormat } from './flow-format.ts';
import { journalExport } from './journal-export.ts';
import { netfilterLog } from './netfilter-log.ts';
import { nfdumpCsv } from './nfdump-csv.ts';
import { zeekJson } from './zeek-json.ts';
import { zeekTsv } from './zeek-tsv.ts';

/** Every flow log format, by hand: one line per file of this folder, the most particular ones first. */
export const flowFormats: readonly FlowFormat[] = [
  awsVpc,
  conntrackText,
  zeekTsv,
  zeekJson,
  eve,
  journalExport,
  netfilterLog,
  nfdumpCsv,
  csv,
];
