import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { readConnections } from '../collectors/linux/connections.ts';
import { createEvaluator } from '../firewall/evaluate.ts';
import { readRuleset } from '../firewall/read.ts';
import { bindScopeOf, formatAddress, parseAddress } from '../model/address.ts';
import { HOST_SCOPE } from '../model/endpoint.ts';
import { UserError } from '../model/errors.ts';
import { renderDrafts } from '../register/draft-file.ts';
import { getOrMake } from '../util/get-or-make.ts';
import { type Context, thisHost } from './context.ts';
import { writeStateFile } from './firewall-apply-state-file.ts';
import { approvedOnHosts } from './firewall-generate.ts';
import { readLive } from './firewall-plan.ts';
import { loadRegister } from './load-register.ts';
import { withFlowPeers } from './tighten-flows.ts';
import { type ObservedPeers, proposeNarrower } from './tighten-proposals.ts';

export interface TightenRequest {
  /** How long to look, besides what earlier looks saw. 0: once. */
  readonly seconds: number;
  readonly include: 'proven' | 'claimed';
}

export interface Tightened {
  /** Drafts as YAML; empty: none. */
  readonly text: string;
  readonly proposals: number;
  readonly observed: ObservedPeers;
  readonly remarks: readonly string[];
}

/** Who was seen, as it is kept between looks: by port, then address, the time of the last look that saw it. */
const MEMORY = z.object({
  since: z.number(),
  until: z.number(),
  looks: z.number(),
  ports: z.record(z.string(), z.record(z.string(), z.number())),
});
type Memory = z.infer<typeof MEMORY>;

const MOST_PEERS = 10_000;
/** A peer that was not seen for so long is forgotten. */
const KEEP_MS = 90 * 86_400_000;

/**
 * Looks who is connected to this machine, remembers it, and proposes narrower entries from all looks so far. Writes
 * nothing to the register. Throws UserError where nothing can be said.
 */
export async function tighten(context: Context, { seconds, include }: TightenRequest): Promise<Tightened> {
  const name = thisHost(context.env);
  const { hosts } = await approvedOnHosts(context, { hosts: [name], mode: 'enforce', include, logAccepted: false });
  const approved = hosts[0];
  if (!approved) throw new UserError(`${name} is not known`);
  const { memory, problems } = await look(context, seconds);
  const { register } = await loadRegister(context, null);
  const admitted = process.geteuid?.() === 0 ? await admittedNow(context) : null;
  const observed = await withFlowPeers(context, observedOf(memory), approved.host.addresses);
  const { drafts, remarks } = proposeNarrower({
    ...{ host: approved.host.name, entries: register.entries, access: approved.plan.access, observed, admitted },
  });
  return {
    text: drafts.length === 0 ? '' : renderDrafts(drafts, null),
    proposals: drafts.length,
    observed,
    remarks: [...problems, ...remarks],
  };
}

async function look(
  context: Context,
  seconds: number,
): Promise<{ readonly memory: Memory; readonly problems: readonly string[] }> {
  const file = join(context.state, 'connected-peers.json');
  const before = readMemory(file) ?? { since: context.now(), until: 0, looks: 0, ports: {} };
  const ports = new Map(Object.entries(before.ports).map(([port, seen]) => [port, new Map(Object.entries(seen))]));
  let { until, looks } = before;
  let problems: readonly string[] = [];
  for (const end = Date.now() + seconds * 1000; ; await sleep(1000)) {
    const seen = readConnections('/proc/self');
    problems = seen.problems;
    until = context.now();
    looks++;
    for (const { peer, localPort } of seen.incoming) {
      const address = formatAddress(peer);
      if (bindScopeOf(address) === 'loopback') continue;
      const peers = getOrMake(ports, String(localPort), () => new Map<string, number>());
      if (peers.has(address) || peers.size < MOST_PEERS) peers.set(address, until);
    }
    if (Date.now() >= end) break;
  }
  for (const peers of ports.values())
    for (const [address, last] of peers) if (last < until - KEEP_MS) peers.delete(address);
  const memory: Memory = {
    ...{ since: before.since, until, looks },
    ports: Object.fromEntries([...ports].map(([port, peers]) => [port, Object.fromEntries(peers)])),
  };
  writeStateFile(context.state, file, `${JSON.stringify(memory)}\n`);
  const full = [...ports].filter(([, peers]) => peers.size >= MOST_PEERS);
  return {
    memory,
    problems: [
      ...problems,
      ...full.map(([port]) => `Port ${port} has more than ${MOST_PEERS} peers: not all are counted.`),
    ],
  };
}

function readMemory(file: string): Memory | null {
  try {
    return MEMORY.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch {
    return null;
  }
}

function observedOf({ since, until, looks, ports }: Memory): ObservedPeers {
  const peers = Object.entries(ports).map(([port, seen]) => {
    const addresses = Object.keys(seen).flatMap((text) => parseAddress(text) ?? []);
    return [Number(port), addresses] as const;
  });
  return { since, until, looks, peers: new Map(peers) };
}

/** What the rules in force may let in, by port. */
async function admittedNow(context: Context) {
  const evaluator = createEvaluator(readRuleset((await readLive(context)).files));
  return (port: number) =>
    evaluator.admission({
      ...{ transport: 'tcp', port, addresses: null, iif: null, scope: HOST_SCOPE, view: 'socket', explain: false },
    }).admitted.upper;
}

const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600 };

/** Seconds of `90s`, `10m`, `8h`; at most a week. Throws UserError for another text. */
export function parseLookTime(text: string): number {
  const [, number, unit] = /^(\d{1,6})([smh])$/.exec(text) ?? [];
  const seconds = Number(number) * (UNITS[unit ?? ''] ?? Number.NaN);
  if (!(seconds <= 7 * 86_400)) throw new UserError(`--for is "${text}"; 0s to 168h are expected, for example 10m`);
  return seconds;
}
