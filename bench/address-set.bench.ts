/**
 * One million random CIDRs from text to a normalised set, beside ipaddr.js only parsing the same texts.
 * Medians of 5 runs, milliseconds. Fails when the set is wrong, never because it is slow.
 */
import assert from 'node:assert/strict';
import ipaddr from 'ipaddr.js';
import { parseAddress } from '../src/model/address.ts';
import { has, toCidrs } from '../src/model/address-set.ts';
import { parseAddressSet } from '../src/model/address-set-text.ts';
import { blockOf, formatCidr } from '../src/model/cidr.ts';

const COUNT = 1_000_000;
const RUNS = 5;

/** xorshift32: the same texts in every run. */
function randomSource(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

function randomCidrs(shareOfIpv6: number): string[] {
  const next = randomSource(20_261_122);
  return Array.from({ length: COUNT }, () => {
    if (next() / 2 ** 32 >= shareOfIpv6)
      return formatCidr(blockOf({ family: 'ipv4', value: next() }, 16 + (next() % 17)));
    let value = 0x2001n;
    for (let i = 0; i < 4; i++) value = (value << 32n) | BigInt(next());
    return formatCidr(blockOf({ family: 'ipv6', value: BigInt.asUintN(128, value) }, 40 + (next() % 89)));
  });
}

function medianMs(work: () => void): number {
  const times = Array.from({ length: RUNS }, () => {
    const start = performance.now();
    work();
    return performance.now() - start;
  });
  return times.sort((a, b) => a - b)[RUNS >> 1] as number;
}

const rows: string[][] = [['1,000,000 random CIDRs', 'to a normalised set', 'ipaddr.js, parse alone', 'CIDRs left']];
for (const [name, share] of [
  ['mixed, 10 % IPv6', 0.1],
  ['all IPv6', 1],
] as const) {
  const texts = randomCidrs(share);
  const ours = medianMs(() => parseAddressSet(texts));
  const peer = medianMs(() => {
    for (const text of texts) ipaddr.parseCIDR(text);
  });
  const { set, problems } = parseAddressSet(texts);
  assert.equal(problems.length, 0);
  for (let i = 0; i < COUNT; i += 997) {
    const [network, prefix] = ipaddr.parseCIDR(texts[i] as string);
    const address = parseAddress(network.toString());
    assert.ok(address && has(set, address), `${texts[i]} (${network}/${prefix}) is in the set`);
  }
  const cover = toCidrs(set);
  assert.deepEqual(parseAddressSet(cover).set, set, 'the cover is exactly the set');
  rows.push([name, `${ours.toFixed(0)} ms`, `${peer.toFixed(0)} ms`, cover.length.toLocaleString('en')]);
}
for (const row of rows)
  console.log(
    row
      .map((cell) => cell.padEnd(24))
      .join('')
      .trimEnd(),
  );
