/**
 * A process that writes to a store until it is killed or done: node test/store-writer.ts DIR HOST COUNT. Prints the id
 * of each observation once it is acknowledged. What a look at a time sees is a function of the time, so that a test
 * knows what must be there.
 */
import { writeSync } from 'node:fs';
import type { Observation } from '../src/model/observation.ts';
import { sampleListener, sampleObservation } from '../src/store/sample.ts';
import { openStore } from '../src/store/store.ts';

/** The n-th look at a host: some of 40 ports, others each time. */
export function nthLook(host: string, n: number): Observation {
  const ports = Array.from({ length: 40 }, (_, port) => port + 1).filter((port) => (port * (n + 7)) % 5 !== 0);
  return sampleObservation(
    host,
    1000 + n,
    ports.map((port) => sampleListener(host, port)),
  );
}

if (import.meta.main) {
  const [dir = '', host = '', count = '0'] = process.argv.slice(2);
  const store = await openStore({ dir, mode: 'write', lockTimeoutMs: 60_000 });
  const done = (await store.stats()).observations;
  for (let n = done; n < done + Number(count); n++) {
    const o = nthLook(host, n);
    await store.recordObservation(o, o.observedAt);
    // Straight to the pipe: what was acknowledged must have left this process when it is killed.
    writeSync(1, `${o.id}\n`);
  }
  await store.close();
}
