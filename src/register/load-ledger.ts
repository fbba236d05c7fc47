import { posix } from 'node:path';
import { type ConfigReader, list } from './config-reader.ts';
import { configSchema } from './config-schema.ts';
import { cut } from './times.ts';

/** Reads `ledger.witnesses`: places that checkpoints are sent to, each once; paths start at the file that names them. */
export function readWitnesses(read: ConfigReader): readonly string[] | undefined {
  const raw = read.raw('ledger');
  if (raw === undefined) return undefined;
  const folder = posix.dirname(read.at(['ledger']).file);
  return read.value(['ledger'], raw, configSchema.shape.ledger.unwrap(), ({ witnesses }, issues) => {
    const places = new Set<string>();
    for (const [i, text] of list(witnesses ?? []).entries()) {
      const place = readPlace(text.trim(), folder);
      if (place !== null) places.add(place);
      else
        issues.push({
          path: ['witnesses', ...(Array.isArray(witnesses) ? [i] : [])],
          code: 'bad-witness',
          message: `expected file:PATH, git:FOLDER or an https URL, not "${cut(text)}"`,
        });
    }
    return [...places];
  });
}

function readPlace(text: string, folder: string): string | null {
  const [, scheme, path] = /^(file|git):(.+)$/.exec(text) ?? [];
  if (path !== undefined) return `${scheme}:${posix.isAbsolute(path) ? path : posix.join(folder, path)}`;
  return /^https?:\/\//.test(text) && URL.canParse(text) ? text : null;
}
