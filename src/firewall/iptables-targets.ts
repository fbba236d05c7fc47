import { type AddressSet, ALL, ALL_IPV4, ALL_IPV6, union } from '../model/address-set.ts';
import type { HostNetwork } from '../model/host-network.ts';
import type { AddressFamily } from '../model/listener.ts';
import type { NumberRange, Step, Verdict } from '../model/ruleset.ts';
import { COMES_BACK, GOES_ELSEWHERE, mayComeBack } from './comes-back.ts';
import { addressesOf, addressRangeOf, markOf, numberIn, portRangeOf } from './iptables-values.ts';
import type { Word } from './iptables-words.ts';
import { printable } from './untrusted.ts';

/** What a target depends on besides its words. */
export interface TargetSurroundings {
  /** `iptables filter `: what ids of chains of this table begin with. */
  readonly prefix: string;
  readonly table: string;
  readonly chain: string;
  readonly family: AddressFamily | null;
  /** Chains of the table by name. */
  readonly chains: { has(name: string): boolean };
  readonly network: HostNetwork | null;
  /** Sentences that answers rest on. */
  readonly assumptions: Set<string>;
}

/** What a rule does at its end. */
export interface Target {
  readonly steps: readonly Step[];
  /** `irrelevant`: whatever the rule asks for, it decides nothing. */
  readonly status: 'modelled' | 'irrelevant' | 'unsupported' | 'unrecognised';
  readonly reason?: string;
  /** Nothing is sure any more, about any packet: reason. */
  readonly poison?: string;
}

type Options = ReadonlyMap<string, readonly string[]>;
type Read = (options: Options, at: TargetSurroundings) => Target | null;

/** null: an option or value is none of the target's. */
interface TargetExtension {
  readonly options: ReadonlySet<string>;
  readonly read: Read;
}

function target(options: string, read: Read): TargetExtension {
  return { options: new Set(options.split(' ').filter((name) => name !== '')), read };
}

function verdict(what: Exclude<Verdict['kind'], 'unknown' | 'jump' | 'goto'>): Read {
  return () => ({ steps: [{ kind: 'verdict', verdict: { kind: what } }], status: 'modelled' });
}

/** Whether it accepts, drops or goes on is not known. */
function undecided(reason: string, before: readonly Step[] = []): Target {
  return {
    steps: [...before, { kind: 'verdict', verdict: { kind: 'unknown', reason } }],
    status: 'unsupported',
    reason,
  };
}

/** What it does is not known at all: it may also mark the packet, or send it elsewhere. */
export function unrecognised(reason: string, at: TargetSurroundings): Target {
  const steps: Step[] = [
    { kind: 'unknown-mark', of: 'packet', reason },
    { kind: 'unknown-mark', of: 'connection', reason },
    { kind: 'verdict', verdict: { kind: 'unknown', reason } },
  ];
  if (at.table === 'nat' && at.chain !== 'POSTROUTING' && at.chain !== 'INPUT') steps.push(...anywhere(reason, at));
  return { steps, status: 'unrecognised', reason };
}

/** May be sent anywhere. */
function anywhere(reason: string, { family }: TargetSurroundings): Step[] {
  const addresses = family === 'ipv4' ? ALL_IPV4 : family === 'ipv6' ? ALL_IPV6 : ALL;
  return [
    { kind: 'match', condition: { kind: 'unknown', reason } },
    { kind: 'destination-nat', redirect: false, addresses, ports: { from: 0, to: 65535 } },
  ];
}

function goesOn(steps: readonly Step[] = []): Target {
  return { steps, status: steps.length === 0 ? 'irrelevant' : 'modelled' };
}

function log(option: string): Read {
  return (options) => ({
    steps: [{ kind: 'log', prefix: options.get(option)?.[0] ?? null }],
    status: 'irrelevant',
  });
}

const TRACKED: Step = {
  kind: 'match',
  condition: { kind: 'connection-state', states: ['new', 'established', 'related'] },
};

function inverse(mask: number): number {
  return ~mask >>> 0;
}

/** `--set-mark` and its relatives: `new = (old & keep) ^ value`. null: none of them, or no mark. */
function markStep(options: Options, of: 'packet' | 'connection'): Step | null {
  for (const [name, [text = '']] of options) {
    const mark = markOf(text);
    if (mark === null) continue;
    const { value, mask } = mark;
    if (name === '--set-xmark') return { kind: 'set-mark', of, keep: inverse(mask), value };
    if (name === '--set-mark') return { kind: 'set-mark', of, keep: inverse(mask | value), value };
    if (text.includes('/')) continue;
    if (name === '--and-mark') return { kind: 'set-mark', of, keep: value, value: 0 };
    if (name === '--or-mark') return { kind: 'set-mark', of, keep: inverse(value), value };
    if (name === '--xor-mark') return { kind: 'set-mark', of, keep: 0xffffffff, value };
  }
  return null;
}

const readMark: Read = (options) => {
  const step = markStep(options, 'packet');
  return step === null ? null : goesOn([step]);
};

/** Of a packet without a connection there is nothing to save, set or restore. */
const readConnectionMark: Read = (options) => {
  if ([...options.keys()].some((name) => /shift/.test(name))) {
    const of = options.has('--restore-mark') ? 'packet' : 'connection';
    const reason = 'shifting marks is not modelled';
    return { steps: [TRACKED, { kind: 'unknown-mark', of, reason }], status: 'unsupported', reason };
  }
  const copies = options.has('--save-mark') || options.has('--restore-mark');
  if (!copies) {
    const step = markStep(options, 'connection');
    return step === null ? null : goesOn([TRACKED, step]);
  }
  const maskOf = (name: string) => {
    const text = options.get(name)?.[0] ?? options.get('--mask')?.[0];
    return text === undefined ? 0xffffffff : numberIn(text, 0xffffffff);
  };
  const connection = maskOf('--ctmask');
  const packet = maskOf('--nfmask');
  if (connection === null || packet === null) return null;
  return goesOn([
    TRACKED,
    options.has('--save-mark')
      ? { kind: 'copy-mark', from: 'packet', keep: inverse(connection), mask: packet }
      : { kind: 'copy-mark', from: 'connection', keep: inverse(packet), mask: connection },
  ]);
};

const readTracking: Read = (options) => {
  if (options.has('--notrack')) return goesOn([{ kind: 'notrack' }]);
  if (['--zone', '--zone-orig', '--zone-reply'].some((option) => options.has(option)))
    return goesOn([{ kind: 'zone' }]);
  return goesOn();
};

/** `10.0.0.1`, `10.0.0.1-10.0.0.9:80-90/8080`, `[fd00::1]:80`, `:80`. */
function destinationOf(
  text: string,
  family: AddressFamily | null,
): { readonly addresses: AddressSet | null; readonly ports: NumberRange | null } | null {
  const parts =
    /^\[([0-9a-fA-F:.-]+)\](?::([^:]*))?$/.exec(text) ??
    /^([0-9.]*(?:-[0-9.]+)?)(?::([^:]*))?$/.exec(text) ??
    /^([0-9a-fA-F:.-]+)$/.exec(text);
  if (parts === null) return null;
  const [, address = '', port] = parts;
  const addresses = address === '' ? null : addressRangeOf(address, family);
  const ports = port === undefined ? null : portRangeOf(port.replace(/\/\d+$/, ''), '-');
  if ((address !== '' && addresses === null) || (port !== undefined && ports === null)) return null;
  return { addresses, ports };
}

const readDnat: Read = (options, at) => {
  const given = options.get('--to-destination');
  if (given === undefined) return null;
  let addresses: AddressSet | null = null;
  const ports: NumberRange[] = [];
  for (const text of given) {
    const read = destinationOf(text, at.family);
    if (read === null) return null;
    if (read.addresses !== null) addresses = addresses === null ? read.addresses : union(addresses, read.addresses);
    if (read.ports !== null) ports.push(read.ports);
  }
  const span =
    ports.length === 0
      ? null
      : { from: Math.min(...ports.map((p) => p.from)), to: Math.max(...ports.map((p) => p.to)) };
  return { steps: [{ kind: 'destination-nat', redirect: false, addresses, ports: span }], status: 'modelled' };
};

const readRedirect: Read = (options) => {
  const text = options.get('--to-ports')?.[0];
  const ports = text === undefined ? null : portRangeOf(text, '-');
  if (text !== undefined && ports === null) return null;
  return { steps: [{ kind: 'destination-nat', redirect: true, addresses: null, ports }], status: 'modelled' };
};

function sourceNat(text: (options: Options) => string): Read {
  return (options) => ({ steps: [{ kind: 'source-nat', text: printable(text(options), 120) }], status: 'modelled' });
}

/** One to one: rewrites the destination on the way in and the source on the way out. */
const readNetmap: Read = (options, at) => {
  const text = options.get('--to')?.[0] ?? '';
  const addresses = addressesOf(text, at.family);
  if (addresses === null || addresses === 'too many') return null;
  if (at.chain === 'POSTROUTING' || at.chain === 'INPUT')
    return { steps: [{ kind: 'source-nat', text: printable(`netmap to ${text}`, 120) }], status: 'modelled' };
  const to: Step = { kind: 'destination-nat', redirect: false, addresses, ports: null };
  if (at.chain === 'PREROUTING' || at.chain === 'OUTPUT') return { steps: [to], status: 'modelled' };
  const reason = 'whether NETMAP rewrites the source or the destination depends on where the chain is called from';
  return { steps: anywhere(reason, at), status: 'unsupported', reason };
};

/** A copy of the packet is sent to another host. */
const readCopy: Read = (options, { network, assumptions }) => {
  const [address] = options.get('--gateway') ?? [];
  const [device] = options.get('--oif') ?? [];
  if (address === undefined) return null;
  const mayBe = mayComeBack({ address, ...(device !== undefined && { device }) }, network);
  if (mayBe === null) assumptions.add(GOES_ELSEWHERE);
  if (mayBe !== true) return goesOn();
  return { steps: [], status: 'unsupported', reason: COMES_BACK, poison: COMES_BACK };
};

/** Decided outside of the rules. */
function outside(reason: string, marks = false): Read {
  return () => undecided(reason, marks ? [{ kind: 'unknown-mark', of: 'packet', reason }] : []);
}

function marksUnknown(reason: string): Read {
  return () => ({ steps: [{ kind: 'unknown-mark', of: 'packet', reason }], status: 'unsupported', reason });
}

const LOG_OPTIONS =
  '--log-prefix --log-level --log-tcp-sequence --log-tcp-options --log-ip-options --log-uid --log-macdecode';
const MARK_OPTIONS = '--set-mark --set-xmark --and-mark --or-mark --xor-mark';
const NAT_OPTIONS = '--random --random-fully --persistent';
const QUEUE = 'a program outside of the kernel decides';

const TARGETS: ReadonlyMap<string, TargetExtension> = new Map([
  ['ACCEPT', target('', verdict('accept'))],
  ['DROP', target('', verdict('drop'))],
  ['RETURN', target('', verdict('return'))],
  ['REJECT', target('--reject-with', verdict('reject'))],
  ['LOG', target(LOG_OPTIONS, log('--log-prefix'))],
  ['NFLOG', target('--nflog-group --nflog-prefix --nflog-range --nflog-size --nflog-threshold', log('--nflog-prefix'))],
  ['ULOG', target('--ulog-nlgroup --ulog-prefix --ulog-cprange --ulog-qthreshold', log('--ulog-prefix'))],
  ['MARK', target(MARK_OPTIONS, readMark)],
  [
    'CONNMARK',
    target(
      `${MARK_OPTIONS} --save-mark --restore-mark --nfmask --ctmask --mask --left-shift-mark --right-shift-mark`,
      readConnectionMark,
    ),
  ],
  ['CT', target('--notrack --helper --ctevents --expevents --zone --zone-orig --zone-reply --timeout', readTracking)],
  ['NOTRACK', target('', () => goesOn([{ kind: 'notrack' }]))],
  ['DNAT', target(`--to-destination ${NAT_OPTIONS}`, readDnat)],
  ['REDIRECT', target(`--to-ports ${NAT_OPTIONS}`, readRedirect)],
  [
    'SNAT',
    target(
      `--to-source ${NAT_OPTIONS}`,
      sourceNat((o) => `to ${o.get('--to-source')?.join(', ') ?? ''}`),
    ),
  ],
  [
    'MASQUERADE',
    target(
      `--to-ports ${NAT_OPTIONS}`,
      sourceNat(() => 'masquerade'),
    ),
  ],
  ['NETMAP', target('--to', readNetmap)],
  [
    'TPROXY',
    target('--on-port --on-ip --tproxy-mark', outside('it depends on whether a transparent proxy listens', true)),
  ],
  ['QUEUE', target('', outside(QUEUE, true))],
  ['NFQUEUE', target('--queue-num --queue-balance --queue-bypass --queue-cpu-fanout', outside(QUEUE, true))],
  ['SYNPROXY', target('--mss --wscale --sack-perm --timestamp --ecn', outside('a proxy answers for the host'))],
  [
    'CLUSTERIP',
    target(
      '--new --hashmode --clustermac --total-nodes --local-node --hash-init',
      outside('it depends on a hash of the source which node answers'),
    ),
  ],
  ['DNPT', target('--src-pfx --dst-pfx', outside('rewriting prefixes of IPv6 is not modelled'))],
  ['SNPT', target('--src-pfx --dst-pfx', outside('rewriting prefixes of IPv6 is not modelled'))],
  ['TEE', target('--gateway --oif', readCopy)],
  ['HMARK', target('*', marksUnknown('marks made of a hash are not modelled'))],
  [
    'SET',
    target('--add-set --del-set --map-set --timeout --exist --map-mark --map-prio --map-queue', (options) =>
      options.has('--map-mark')
        ? marksUnknown('marks that an ipset gives are not modelled')(options, NOWHERE)
        : goesOn(),
    ),
  ],
]);

const NOWHERE: TargetSurroundings = {
  ...{ prefix: '', table: '', chain: '', family: null, chains: new Set<string>(), network: null },
  assumptions: new Set(),
};

/** They change, count or copy the packet and let it go on; none of it changes who is let in. */
const WITHOUT_EFFECT: ReadonlySet<string> = new Set([
  'AUDIT',
  'CHECKSUM',
  'CLASSIFY',
  'CONNSECMARK',
  'DSCP',
  'ECN',
  'HL',
  'IDLETIMER',
  'LED',
  'RATEEST',
  'SECMARK',
  'TCPMSS',
  'TCPOPTSTRIP',
  'TOS',
  'TRACE',
  'TTL',
]);

/** What `-j NAME OPTIONS` or `-g NAME` does. */
export function readTarget(name: string, words: readonly Word[], isGoto: boolean, at: TargetSurroundings): Target {
  if (at.chains.has(name) && words.length === 0)
    return {
      steps: [{ kind: 'verdict', verdict: { kind: isGoto ? 'goto' : 'jump', chain: at.prefix + name } }],
      status: 'modelled',
    };
  const shown = printable(name, 60);
  if (isGoto) return unrecognised(`there is no chain ${shown} in this table`, at);
  if (WITHOUT_EFFECT.has(name)) return goesOn();
  const extension = TARGETS.get(name);
  if (extension === undefined)
    return unrecognised(`the target ${shown} is neither known nor a chain of this table`, at);
  const options = optionsOf(words, extension.options);
  const read = options === null ? null : extension.read(options, at);
  return read ?? unrecognised(`the options of the target ${shown} are not understood`, at);
}

/** Options with their values; null: one is not of the target. `*`: any option is. */
function optionsOf(words: readonly Word[], known: ReadonlySet<string>): Options | null {
  const options = new Map<string, string[]>();
  let values: string[] | null = null;
  for (const { text, quoted } of words) {
    if (!quoted && text.startsWith('--')) {
      if (!known.has(text) && !known.has('*')) return null;
      values = options.get(text) ?? [];
      options.set(text, values);
    } else if (values === null) return null;
    else values.push(text);
  }
  return options;
}
