import type { AlertMessage } from './channel.ts';
import { ecsDocuments } from './payload-ecs.ts';
import { ocsfFindings } from './payload-ocsf.ts';

/** How a message is written for programs. */
export const PAYLOADS = ['quietdoor', 'ocsf', 'ecs'] as const;
export type PayloadFormat = (typeof PAYLOADS)[number];

/** Documents of a message: one per incident in ocsf and ecs, one in all as Quietdoor writes it. */
export function payloadsOf(message: AlertMessage, format: PayloadFormat): readonly object[] {
  if (format === 'ocsf') return ocsfFindings(message);
  if (format === 'ecs') return ecsDocuments(message);
  return [{ schemaVersion: 1, type: 'quietdoor.alert', ...message, at: new Date(message.at).toISOString() }];
}

/** The body of a post: one document as it is, several as a list. */
export function bodyOf(message: AlertMessage, format: PayloadFormat): string {
  const payloads = payloadsOf(message, format);
  return JSON.stringify(payloads.length === 1 ? payloads[0] : payloads);
}
