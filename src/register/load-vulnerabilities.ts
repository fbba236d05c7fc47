import { posix } from 'node:path';
import { type ConfigReader, list } from './config-reader.ts';
import { configSchema } from './config-schema.ts';

/** What `vulnerabilities` names, relative to the workspace; absent: not said. */
export interface VulnerabilityPaths {
  readonly osv?: readonly string[];
  readonly kev?: string;
}

/** Reads `vulnerabilities`. Paths are written relative to the file that names them. */
export function readVulnerabilities(read: ConfigReader): VulnerabilityPaths | undefined {
  const raw = read.raw('vulnerabilities');
  if (raw === undefined) return undefined;
  const folder = posix.dirname(read.at(['vulnerabilities']).file);
  const place = (path: string) => (posix.isAbsolute(path) ? path : posix.join(folder, path));
  return read.value(['vulnerabilities'], raw, configSchema.shape.vulnerabilities.unwrap(), ({ osv, kev }) => ({
    ...(osv !== undefined && { osv: list(osv).map((path) => place(path.trim())) }),
    ...(kev !== undefined && { kev: place(kev.trim()) }),
  }));
}
