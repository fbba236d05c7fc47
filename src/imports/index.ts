import { ansibleFacts } from './ansible-facts.ts';
import { csv } from './csv.ts';
import { csvScan } from './csv-scan.ts';
import type { ImportFormat } from './import-format.ts';
import { lsof } from './lsof.ts';
import { masscan } from './masscan.ts';
import { naabu } from './naabu.ts';
import { netstat } from './netstat.ts';
import { nmap } from './nmap.ts';
import { osquery } from './osquery.ts';
import { powershell } from './powershell.ts';
import { ss } from './ss.ts';
import { wazuh } from './wazuh.ts';

/** Every import format, by hand: one line per file of this folder, the most particular ones first. */
export const importFormats: readonly ImportFormat[] = [
  nmap,
  masscan,
  naabu,
  ansibleFacts,
  wazuh,
  powershell,
  osquery,
  ss,
  netstat,
  lsof,
  csvScan,
  csv,
];
