import { csv } from './csv.ts';
import { github } from './github.ts';
import { json } from './json.ts';
import { jsonl } from './jsonl.ts';
import { junit } from './junit.ts';
import { markdown } from './markdown.ts';
import type { ReportFormat } from './report-format.ts';
import { sarif } from './sarif.ts';
import { table } from './table.ts';

/** Every output format of `check`, as listed in its help. */
export const reportFormats: readonly ReportFormat[] = [table, json, jsonl, csv, markdown, sarif, junit, github];
