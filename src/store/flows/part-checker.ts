import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { FlowManifestStore, StoredPart } from '../flow-manifest.ts';
import type { DamagedPart } from '../flow-store.ts';
import { digestOf } from './folder.ts';

/** Tells parts that are as they were written from others, by their digest: each is read once in the life of a process. */
export class PartChecker {
  readonly #folder: string;
  readonly #manifest: FlowManifestStore;
  readonly #sound = new Set<string>();
  readonly #damaged = new Map<string, DamagedPart>();

  constructor(folder: string, manifest: FlowManifestStore) {
    this.#folder = folder;
    this.#manifest = manifest;
  }

  /** Looks at the parts of the manifest that are wanted. */
  async check(
    isWanted: (part: StoredPart) => boolean = () => true,
  ): Promise<{ sound: readonly StoredPart[]; damaged: readonly DamagedPart[] }> {
    for (;;) {
      const parts = (await this.#manifest.parts()).filter(isWanted);
      const checked = await this.#check(parts);
      if (checked.damaged.length === 0) return checked;
      // A part that was compacted away meanwhile is not missing.
      const now = new Set((await this.#manifest.parts()).map(({ file }) => file));
      if (checked.damaged.every(({ part }) => now.has(part.file))) return checked;
    }
  }

  async #check(parts: readonly StoredPart[]): Promise<{ sound: StoredPart[]; damaged: DamagedPart[] }> {
    for (const part of parts) {
      if (this.#sound.has(part.file) && this.#isThere(part)) continue;
      const reason = await this.#wrong(part);
      if (reason === null) {
        this.#sound.add(part.file);
        this.#damaged.delete(part.file);
      } else this.#damaged.set(part.file, { part, reason });
    }
    const sound = parts.filter(({ file }) => !this.#damaged.has(file));
    return { sound, damaged: parts.flatMap(({ file }) => this.#damaged.get(file) ?? []) };
  }

  #isThere(part: StoredPart): boolean {
    return statSync(join(this.#folder, part.file), { throwIfNoEntry: false })?.size === part.bytes;
  }

  async #wrong(part: StoredPart): Promise<string | null> {
    try {
      const { bytes, sha256 } = await digestOf(join(this.#folder, part.file));
      if (bytes !== part.bytes) return `it has ${bytes} bytes and was written with ${part.bytes}`;
      return sha256 === part.sha256 ? null : 'its bytes are not those that were written';
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      return code === 'ENOENT' ? 'it is missing' : `it cannot be read: ${message}`;
    }
  }
}
