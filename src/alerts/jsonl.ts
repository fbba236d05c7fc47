import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { resolve } from 'node:path';
import { z } from 'zod';
import { type Channel, DeliveryError } from './channel.ts';
import { PAYLOADS, payloadsOf } from './payload.ts';
import { readBy } from './settings.ts';

const schema = z.strictObject({
  path: z.string().min(1).max(4_096),
  payload: z.enum(PAYLOADS, { error: `expected one of ${PAYLOADS.join(', ')}` }).default('quietdoor'),
});
type Settings = z.infer<typeof schema>;

const NEWLINE = 10;

export const jsonl: Channel<Settings> = {
  kind: 'jsonl',
  title: 'A file, one JSON document per line',
  read: (raw) => readBy(schema, raw),
  async send(message, settings, delivery) {
    const path = resolve(delivery.folder, settings.path);
    const lines = payloadsOf(message, settings.payload).map((payload) => `${JSON.stringify(payload)}\n`);
    try {
      // Opened anew each time, so that the file may be renamed by who rotates it. A link might lead anywhere.
      await using file = await open(
        path,
        constants.O_RDWR | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW | constants.O_NONBLOCK,
        0o600,
      );
      await append(file, lines.join(''));
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      const isFull = code === 'ENOSPC' || code === 'EDQUOT' || code === 'EIO';
      const reason = code === 'ELOOP' ? 'it is a symbolic link' : (code ?? (error as Error).message);
      throw new DeliveryError(`${path} cannot be written: ${reason}`, isFull, { cause: error });
    }
  },
};

/** Writes whole lines durably, or takes back what was written. */
async function append(file: FileHandle, text: string): Promise<void> {
  const { size } = await file.stat();
  // What was cut by a crash is ended, so that it spoils no line but its own.
  const last = Buffer.alloc(1, NEWLINE);
  if (size > 0) await file.read(last, 0, 1, size - 1);
  const bytes = Buffer.from(last[0] === NEWLINE ? text : `\n${text}`);
  try {
    for (let at = 0; at < bytes.length; ) at += (await file.write(bytes, at)).bytesWritten;
    await file.datasync();
  } catch (error) {
    await file.truncate(size).catch(() => undefined);
    throw error;
  }
}
