import { DEFAULTS } from '../src/detection/parameters.ts';
import { cardsOfEstate, compare } from './traffic-evaluation.ts';
import { LABEL_KINDS } from './traffic-estate.ts';
import { generatedEstate } from './traffic-generator.ts';

const seed = Number(process.argv[2] ?? 101);
const ports = Number(process.argv[3] ?? 500);
const t0 = performance.now();
const estate = generatedEstate({ seed, ports, historyDays: 28, days: 7, each: Math.max(3, Math.round(ports / 25)) });
const cards = cardsOfEstate(estate, DEFAULTS);
console.log('s', (performance.now() - t0) / 1000);
const o = compare(estate, cards);
console.log('recall', o.hits.size / estate.labels.length, 'false', o.falseCards.length, 'per 1000/day', (o.falseCards.length / ports / 7) * 1000, 'cards', cards.length);
for (const k of LABEL_KINDS) {
  const all = estate.labels.filter((l) => l.kind === k);
  const d = (o.delays.get(k) ?? []).toSorted((a, b) => a - b);
  console.log(k.padEnd(14), all.filter((l) => o.hits.has(l)).length, '/', all.length, 'ttd', (d[d.length >> 1] ?? 0) / 60);
}
const byKind = new Map<string, number>();
for (const c of o.falseCards) byKind.set(c.kind, (byKind.get(c.kind) ?? 0) + 1);
console.log(byKind);
for (const c of o.falseCards.slice(0, 25)) console.log(c.kind, c.also.join('+'), JSON.stringify(c.port), new Date(c.from * 1000).toISOString(), new Date(c.to * 1000).toISOString(), c.surprise.toFixed(1), c.seenWords, '| exp', c.expectedWords, c.ports.length);
