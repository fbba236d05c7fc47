import { page } from './html/page.ts';
import type { ReportFormat } from './report-format.ts';

/** A report for people in one HTML file: opens offline, prints, and is complete without scripts. */
export const html: ReportFormat = {
  name: 'html',
  title: 'one self-contained page for people: summary, inventory, findings, register, frameworks',
  render: page,
};
