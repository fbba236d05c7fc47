import { UserError } from '../model/errors.ts';
import { spawnGit } from './git.ts';

/** An item of a git tree. */
export interface TreeItem {
  /** `100644`, `40000`… as the tree has it. */
  readonly mode: string;
  readonly name: string;
  readonly id: string;
}

const ANSWER_TIMEOUT_MS = 20_000;

/**
 * Reads objects through one `git cat-file --batch` (git-cat-file(1), "BATCH OUTPUT"), one at a time. A process for each
 * object would cost some 5 ms each.
 */
export class ObjectReader {
  readonly #child: ReturnType<typeof spawnGit>;
  #parts: Buffer[] = [];
  #size = 0;
  #ended: string | null = null;
  #wake: (() => void) | null = null;

  constructor(repoDir: string, env: NodeJS.ProcessEnv) {
    this.#child = spawnGit(repoDir, ['cat-file', '--batch'], env);
    this.#child.stdout.on('data', (part: Buffer) => {
      this.#parts.push(part);
      this.#size += part.length;
      this.#wake?.();
    });
    this.#child.stdin.on('error', () => {});
    const end = (why: string) => {
      this.#ended ??= why;
      this.#wake?.();
    };
    this.#child.on('error', () => end('git could not be run'));
    this.#child.on('close', () => end('git stopped before it answered (objects missing in a partial clone?)'));
  }

  /** Returns the bytes of a tree or blob. Throws UserError where it is not there, is something else or larger. */
  async read(id: string, type: 'tree' | 'blob', maxBytes: number): Promise<Buffer> {
    this.#child.stdin.write(`${id}\n`);
    const header = await this.#take((all) => all.indexOf(10) + 1);
    const [, found, size] = header.toString('latin1').trimEnd().split(' ');
    if (size === undefined) throw new UserError('objects of the history are missing here');
    const length = Number(size);
    if (length > maxBytes) {
      this.close();
      throw new UserError('a file of the history is larger than is read');
    }
    const body = await this.#take(() => length + 1);
    if (found !== type) throw new UserError(`the history has a ${found} where a ${type} belongs`);
    return body.subarray(0, length);
  }

  /** Items of a tree (a commit's id stands for its tree). */
  async tree(id: string): Promise<readonly TreeItem[]> {
    const bytes = await this.read(`${id}^{tree}`, 'tree', 16 << 20);
    const idBytes = id.length / 2;
    const items: TreeItem[] = [];
    for (let at = 0; at < bytes.length; ) {
      const blank = bytes.indexOf(32, at);
      const nul = bytes.indexOf(0, blank);
      const mode = bytes.toString('latin1', at, blank);
      const name = bytes.toString('utf8', blank + 1, nul);
      at = nul + 1 + idBytes;
      items.push({ mode, name, id: bytes.toString('hex', nul + 1, at) });
    }
    return items;
  }

  close(): void {
    this.#child.stdin.end();
    this.#child.kill('SIGKILL');
  }

  /** Waits for as many bytes as `needed` says of what is there (0: more), and takes them. */
  async #take(needed: (all: Buffer) => number): Promise<Buffer> {
    for (;;) {
      const first = this.#parts[0];
      const want = first ? needed(first) : 0;
      if (want > 0 && this.#size >= want) {
        const all = this.#parts.length === 1 ? (first as Buffer) : Buffer.concat(this.#parts);
        this.#parts = all.length > want ? [all.subarray(want)] : [];
        this.#size -= want;
        return all.subarray(0, want);
      }
      if (want === 0 && this.#parts.length > 1) {
        this.#parts = [Buffer.concat(this.#parts)];
        continue;
      }
      if (this.#ended !== null) throw new UserError(this.#ended);
      await this.#more();
    }
  }

  #more(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#ended ??= 'git did not answer in time';
        this.close();
        resolve();
      }, ANSWER_TIMEOUT_MS);
      this.#wake = () => {
        clearTimeout(timer);
        this.#wake = null;
        resolve();
      };
    });
  }
}
