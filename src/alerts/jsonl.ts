import { constants } from 'node:fs';
import { type FileHandle, open, realpath } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve } from 'node:path';
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
      const place = await placeOf(path, delivery.folder);
      // Opened anew each time, so that the file may be renamed by who rotates it. A link might lead anywhere.
      await using file = await open(
        place.path,
        (place.isInside ? constants.O_CREAT : 0) |
          (constants.O_RDWR | constants.O_APPEND | constants.O_NOFOLLOW | constants.O_NONBLOCK),
        0o600,
      );
      await append(file, lines.join(''), path);
    } catch (error) {
      if (error instanceof DeliveryError) throw error;
      const { code } = error as NodeJS.ErrnoException;
      // Who rotates it may be about to make it.
      if (code === 'ENOENT')
        throw new DeliveryError(`${path} is not there; outside the workspace, make it once, empty`, true, {
          cause: error,
        });
      const isFull = code === 'ENOSPC' || code === 'EDQUOT' || code === 'EIO';
      const reason = code === 'ELOOP' ? 'it is a symbolic link' : (code ?? (error as Error).message);
      throw new DeliveryError(`${path} cannot be written: ${reason}`, isFull, { cause: error });
    }
  },
};

/**
 * Where the file really is. quietdoor.yaml may come from other people than who runs this: outside the workspace, only a
 * file that is there already is written to.
 */
async function placeOf(path: string, folder: string): Promise<{ readonly path: string; readonly isInside: boolean }> {
  const real = join(await realpath(dirname(path)), basename(path));
  return { path: real, isInside: relative(await realpath(folder), real).split('/')[0] !== '..' };
}

/** Writes whole lines durably, or takes back what was written. What holds something else than such lines stays as it is. */
async function append(file: FileHandle, text: string, path: string): Promise<void> {
  const stats = await file.stat();
  if (!stats.isFile()) throw new DeliveryError(`${path} is no regular file`, false);
  const { size } = stats;
  const first = Buffer.from('{');
  if (size > 0) await file.read(first, 0, 1, 0);
  if (first.toString() !== '{')
    throw new DeliveryError(`${path} holds something else than JSON documents, one per line`, false);
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
