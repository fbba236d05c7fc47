import type { AwsReading } from './aws-inventory.ts';
import type { RulesetFile } from './dialect.ts';
import { listOf, mapOf, textOf, type Values } from './untrusted.ts';

export function count(reading: AwsReading, status: keyof AwsReading['statements']): void {
  reading.statements = { ...reading.statements, [status]: reading.statements[status] + 1 };
}

export function note(
  reading: AwsReading,
  file: RulesetFile,
  status: 'unsupported' | 'unrecognised',
  text: string,
  reason: string,
): void {
  count(reading, status);
  reading.notes.push({ status, text, reason, at: { file: file.name }, rule: null });
}

/** The name that people gave a thing. */
export function nameTag(values: Values): string | null {
  for (const tag of listOf(values.Tags ?? values.TagSet)) {
    const { Key, Value } = mapOf(tag);
    if (Key === 'Name') return textOf(Value);
  }
  return null;
}
