/** Appends flows until it is killed, and compacts now and then; prints the digest of what was acknowledged. Arguments: folder, first number. */
import { partOf, START } from '../src/store/flow-sample.ts';
import { openFlowStore } from '../src/store/flows.ts';
import { openStore } from '../src/store/store.ts';

const [dir = '', first = '0'] = process.argv.slice(2);
await using store = await openStore({ dir, mode: 'write' });
await using flows = await openFlowStore(dir, store, 'write', { partRows: 3 });
for (let n = Number(first); n < Number(first) + 1_000_000; n++) {
  const rows = [0, 1, 2, 3, 4, 5, 6].map((i) => ({
    bucket: START + (i % 3) * 86_400,
    src: '10.0.0.9',
    dst: '10.0.0.1',
    port: i,
  }));
  await flows.append(partOf(rows, { digest: `n-${n}` }));
  process.stdout.write(`n-${n}\n`);
  if (n % 5 === 4) await flows.compact((START + 400 * 86_400) * 1000);
}
