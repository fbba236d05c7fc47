import { readFileSync, statSync } from 'node:fs';
import * as z from 'zod';

/** CISA's catalogue, as far as it is used (cisa.gov, known_exploited_vulnerabilities_schema.json). */
const kevSchema = z.object({
  vulnerabilities: z.array(
    z.object({
      cveID: z.string(),
      dueDate: z.string().optional(),
      knownRansomwareCampaignUse: z.string().optional(),
    }),
  ),
});

const MAX_BYTES = 64 * 1024 * 1024;

export interface Exploited {
  readonly cve: string;
  readonly due?: string;
  readonly ransomware?: boolean;
}

/** Vulnerabilities known to be exploited, by CVE id; or why the file cannot be used. */
export function readKev(path: string): ReadonlyMap<string, Exploited> | { readonly problem: string } {
  try {
    const stats = statSync(path);
    if (!stats.isFile()) return { problem: `${path}: is no regular file` };
    if (stats.size > MAX_BYTES) return { problem: `${path}: is larger than ${MAX_BYTES} bytes` };
    const parsed = kevSchema.safeParse(JSON.parse(readFileSync(path, 'utf8')));
    if (!parsed.success) {
      const [issue] = parsed.error.issues;
      const place = issue?.path.join('.') || 'the document';
      return { problem: `${path}: is not CISA's catalogue of exploited vulnerabilities (${place}: ${issue?.message})` };
    }
    return new Map(
      parsed.data.vulnerabilities.map(({ cveID, dueDate, knownRansomwareCampaignUse }) => [
        cveID,
        {
          cve: cveID,
          ...(dueDate !== undefined && { due: dueDate }),
          // "Unknown" is not "no"
          ...(knownRansomwareCampaignUse === 'Known' && { ransomware: true }),
        },
      ]),
    );
  } catch (error) {
    return { problem: `${path}: ${(error as Error).message}` };
  }
}
