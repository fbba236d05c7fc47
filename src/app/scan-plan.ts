import { resolve as pathOf } from 'node:path';
import { readPorts } from '../collectors/network/ports.ts';
import { type Exclusion, type LeftOut, resolveTargets, type WrittenTarget } from '../collectors/network/targets.ts';
import { lookUp, ownNetworks } from '../collectors/network/this-machine.ts';
import { udpProbes } from '../collectors/network/udp-probes/index.ts';
import { type AddressSet, difference, toCidrs } from '../model/address-set.ts';
import { UserError } from '../model/errors.ts';
import type { Register } from '../model/register.ts';
import { listWords } from '../util/words.ts';
import type { ScanOrder, UnfinishedScan } from './scan-journal.ts';

/** What a person asked for. Absent: what the register says, else the default. */
export interface NetworkScanRequest {
  readonly targets: readonly WrittenTarget[];
  readonly exclude: readonly Exclusion[];
  /** As ports.ts reads it. */
  readonly ports?: string;
  /** The same for UDP; `usual`: the ports that there are requests for. Absent: no UDP. */
  readonly udp?: string;
  /** New connections per second in all; Infinity: no cap. */
  readonly rate?: number;
  readonly ratePerHost?: number;
  /** How often a silent port of a host that answers is asked again. */
  readonly retries: number;
  readonly skipSilent: boolean;
  readonly identify: boolean;
  /** Folder of the user's own fingerprints (rapid7/recog XML). */
  readonly recog?: string;
  /** Let an installed nmap scan, with these further options of its own. Absent: our own scanner. */
  readonly nmap?: readonly string[];
}

/** What is to be scanned. */
export interface ScanPlan {
  readonly order: ScanOrder;
  /** Still to be scanned; lacks what an earlier run recorded. */
  readonly addresses: AddressSet;
  readonly leftOut: readonly LeftOut[];
  /** What could not be read or found, a sentence each. */
  readonly problems: readonly string[];
}

/**
 * New connections per second where nobody says otherwise. 1,000 in all are some 60 KB/s of SYNs, which no switch notices,
 * and leave a firewall's table of 65,536 or more states alone; 100 to one host is what a browser or two cause, and what
 * printers, controllers and medical devices stand.
 */
export const DEFAULT_RATE = 1_000;
export const DEFAULT_RATE_PER_HOST = 100;
export const DEFAULT_PORTS = 'top:1000,registered';
/** An entry that approves more ports than this does not name the ones to look at. */
const WIDE_ENTRY = 1_024;

/** Works out what a request comes to. Throws UserError where it makes no sense, or an exclusion cannot be understood. */
export async function planScan(request: NetworkScanRequest, register: Register | null): Promise<ScanPlan> {
  const { addresses, names, leftOut, problems } = await resolve(request.targets, request.exclude, register, 'bounded');
  const tcp = readPorts(request.ports ?? DEFAULT_PORTS, registeredPorts(register));
  const udp =
    request.udp === undefined || request.udp === 'usual'
      ? { ports: request.udp === undefined ? [] : udpProbes.flatMap((probe) => probe.ports), problems: [] }
      : readPorts(request.udp, [], 'udp');
  const [wrong] = [...tcp.problems, ...udp.problems];
  if (wrong !== undefined) throw new UserError(`cannot scan these ports: ${wrong}`);
  if (addresses.ipv4.length + addresses.ipv6.length === 0) throw nothingLeft(problems, leftOut);
  const order: ScanOrder = {
    addresses: toCidrs(addresses),
    names: Object.fromEntries(names),
    ports: [...tcp.ports],
    udp: [...new Set(udp.ports)].sort((a, b) => a - b),
    rate: finite(request.rate ?? register?.scan?.rate ?? DEFAULT_RATE),
    ratePerHost: finite(request.ratePerHost ?? register?.scan?.ratePerHost ?? DEFAULT_RATE_PER_HOST),
    retries: request.retries,
    skipSilent: request.skipSilent,
    identify: request.identify,
    recog: request.recog === undefined ? null : pathOf(request.recog),
  };
  return { order, addresses, leftOut, problems };
}

/** A cap as the journal keeps it: null is none. */
function finite(rate: number): number | null {
  return Number.isFinite(rate) ? rate : null;
}

/** Works out what is left of a scan that was not finished. What is excluded by now stays untouched. */
export async function planRest(
  earlier: UnfinishedScan,
  { exclude, rate, ratePerHost }: Pick<NetworkScanRequest, 'exclude' | 'rate' | 'ratePerHost'>,
  register: Register | null,
): Promise<ScanPlan> {
  const written = earlier.order.addresses.map((text) => ({ text, at: '' }));
  const { addresses, leftOut } = await resolve(written, exclude, register, 'any');
  const order: ScanOrder = {
    ...earlier.order,
    ...(rate !== undefined && { rate: finite(rate) }),
    ...(ratePerHost !== undefined && { ratePerHost: finite(ratePerHost) }),
  };
  return { order, addresses: difference(addresses, earlier.done), leftOut, problems: [] };
}

async function resolve(
  written: readonly WrittenTarget[],
  exclude: readonly Exclusion[],
  register: Register | null,
  sizes: 'bounded' | 'any',
) {
  if (register?.scan?.incomplete)
    throw new UserError('an exclusion of the workspace may be missing, so nothing is scanned', {
      hint: 'A part of quietdoor.yaml, or of what it extends, could not be read: quietdoor register lint says which.',
    });
  const exclusions = [...exclude, ...(register?.scan?.exclude ?? [])];
  const targets = await resolveTargets(written, exclusions, { lookUp, ownNetworks: ownNetworks(), sizes });
  if (targets.exclusionProblems.length > 0)
    throw new UserError(
      `an exclusion cannot be understood, so nothing is scanned: ${listWords(targets.exclusionProblems)}`,
      {
        hint: 'Correct --exclude, or scan.exclude in quietdoor.yaml. A name that has no address is excluded by its address.',
      },
    );
  return targets;
}

function nothingLeft(problems: readonly string[], leftOut: readonly LeftOut[]): UserError {
  const why = [...problems, ...leftOut.map(({ target, reason }) => `${target} is left out (${reason})`)];
  return new UserError(`there is nothing to scan${why.length > 0 ? `: ${listWords(why, 3)}` : ''}`, {
    hint: 'Targets are addresses, CIDRs, ranges and names: quietdoor scan network 10.0.0.0/24 10.0.1.1-20 db-1',
  });
}

/** TCP ports that the register names, so that it can be said whether something listens there. */
function registeredPorts(register: Register | null): Set<number> {
  const ports = new Set<number>();
  for (const entry of register?.entries ?? [])
    if (entry.transport === 'tcp')
      for (const { from, to } of entry.ports)
        if (to - from < WIDE_ENTRY) for (let port = Math.max(1, from); port <= to; port++) ports.add(port);
  return ports;
}
