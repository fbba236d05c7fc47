import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** A heap that is larger by this than what was in use when it was last tidied is tidied again, bytes. */
const SLACK_BYTES = 32 * 1024 * 1024;
/** At most this often: it takes about 1 ms per MB that is in use. */
const PAUSE_MS = 2_000;

/**
 * Keeps the memory of a process that runs for months small. V8 lets the heap grow to several times what is in use before it
 * looks for garbage in earnest, which suits programs that end; beside the work of a host it is memory taken from others.
 * Returns what is to be called now and then.
 */
export function keepMemorySmall(elapsed: () => number): () => void {
  setFlagsFromString('--semi-space-growth-factor=1');
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  let inUse = 0;
  let at = Number.NEGATIVE_INFINITY;
  return () => {
    const now = elapsed();
    if (now - at < PAUSE_MS || process.memoryUsage().heapTotal - inUse < SLACK_BYTES) return;
    collect();
    inUse = process.memoryUsage().heapUsed;
    at = now;
  };
}
