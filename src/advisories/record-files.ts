import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { compareText } from '../util/compare.ts';
import { MAX_RECORD_BYTES, type RecordFile, zipRecords } from './zip-records.ts';

const MAX_FILES = 2_000_000;
const MAX_DEPTH = 4;

/**
 * The records of an OSV export, wherever it lies: a directory (and those in it) of JSON files and zip archives, one
 * archive, one file. What cannot be read is told to `onProblem`, and the rest is given.
 */
export async function* recordFiles(path: string, onProblem: (message: string) => void): AsyncGenerator<RecordFile> {
  for (const file of findFiles(path, onProblem)) {
    const tell = (message: string) => onProblem(`${file}: ${message}`);
    try {
      const stats = statSync(file);
      if (!stats.isFile()) tell('is no regular file');
      else if (file.endsWith('.zip')) yield* zipRecords(file, tell);
      else if (stats.size > MAX_RECORD_BYTES) tell(`is larger than ${MAX_RECORD_BYTES} bytes`);
      else yield { name: file, bytes: readFileSync(file) };
    } catch (error) {
      tell((error as Error).message);
    }
  }
}

function findFiles(path: string, onProblem: (message: string) => void): string[] {
  try {
    return exportFiles(path);
  } catch (error) {
    onProblem(`${path}: ${(error as Error).message}`);
    return [];
  }
}

/** Files of an export, sorted. Throws where the path itself cannot be read. */
export function exportFiles(path: string): string[] {
  return statSync(path).isDirectory() ? filesBelow(path, MAX_DEPTH).slice(0, MAX_FILES) : [path];
}

function filesBelow(directory: string, depth: number): string[] {
  const entries = readdirSync(directory, { withFileTypes: true }).sort((a, b) => compareText(a.name, b.name));
  return entries.flatMap((entry) => {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) return depth > 0 ? filesBelow(path, depth - 1) : [];
    return entry.isFile() && /\.(?:json|zip)$/.test(entry.name) ? [path] : [];
  });
}
