import { createServiceAsker } from '../collectors/network/ask-services.ts';
import { type ConnectScan, type ScanProgress, startConnectScan } from '../collectors/network/connect-scan.ts';
import { spareDescriptors } from '../collectors/network/descriptors.ts';
import type { KnownPorts } from '../collectors/network/host-probe.ts';
import { observationOfAddress } from '../collectors/network/network-observation.ts';
import { createRateLimit } from '../collectors/network/rate.ts';
import type { Recog } from '../collectors/network/recog.ts';
import { addressesOf } from '../collectors/network/targets.ts';
import { size } from '../model/address-set.ts';
import type { Observation, UnnamedObservation } from '../model/observation.ts';
import { inParallel } from '../util/in-parallel.ts';
import { type Context, thisHost } from './context.ts';
import { loadRegister } from './load-register.ts';
import { nameAll, noCounts, type RecordCounts, recordAll } from './record.ts';
import { createJournal, listJournals, openJournal, readJournal, type ScanJournal } from './scan-journal.ts';
import { type NetworkScanRequest, planRest, planScan, type ScanPlan } from './scan-plan.ts';

/** A scan that is planned and then under way. */
export interface NetworkScan {
  readonly plan: ScanPlan;
  /** Addresses to scan. */
  readonly hosts: number;
  /** Other scans of the workspace that were not finished, the newest first. */
  readonly unfinished: readonly string[];
  /** Each address as it is finished; recorded by then, if it is. The scan begins with the first one that is asked for. */
  readonly observations: AsyncGenerator<Observation, void, undefined>;
  readonly counts: RecordCounts;
  readonly progress: () => Readonly<ScanProgress>;
  /** Names the scan for `resume`; null where nothing is recorded, so that nothing can be resumed. */
  readonly id: () => string | null;
}

export interface ScanSurroundings {
  /** Null: no workspace. */
  readonly context: Context | null;
  readonly isRecorded: boolean;
  readonly env: NodeJS.ProcessEnv;
  /** Ends the scan: what is finished is recorded, the rest can be resumed. */
  readonly signal: AbortSignal;
}

const MOST_IN_FLIGHT = 4_000;
/** A silent host is asked again once only: most addresses that say nothing are not in use. */
const SILENT_RETRIES = 1;
const MOST_IDENTIFIED_AT_A_TIME = 64;
/** Ports of news after which a host under way is written down: what a kill costs at most, for each host. */
const NEWS = 500;
const NEWS_EVERY_MS = 1_000;
const NO_PROGRESS: ScanProgress = { decided: 0, probes: 0, hostsDone: 0, open: 0 };

/** Plans a scan of what was asked for. Throws UserError where the request makes no sense. */
export async function scanNetwork(request: NetworkScanRequest, around: ScanSurroundings): Promise<NetworkScan> {
  const { context } = around;
  const plan = await planScan(request, await registerOf(context));
  if (request.nmap) {
    const { lookWithNmap } = await import('./scan-nmap.ts');
    const nmapOptions = request.nmap;
    return prepare(plan, around, () => lookWithNmap(plan.order, nmapOptions, around), null);
  }
  const isResumable = context !== null && around.isRecorded;
  const start = isResumable ? () => createJournal(context.state, plan.order, context.now()) : () => null;
  const { recog, ...withProblems } = await withRecog(plan);
  return prepare(
    withProblems,
    around,
    (underWay) => look(plan, around, { start, known: () => undefined, recog, underWay }),
    null,
  );
}

/**
 * Plans the rest of a scan that was not finished; `id` null: the newest. Exclusions are added to those of the workspace, and
 * caps go before those that it began with. Throws UserError where there is none. */
export async function resumeNetworkScan(
  id: string | null,
  now: Pick<NetworkScanRequest, 'exclude' | 'rate' | 'ratePerHost'>,
  around: ScanSurroundings & { readonly context: Context },
): Promise<NetworkScan> {
  const { context } = around;
  const earlier = await readJournal(context.state, id);
  const plan = await planRest(earlier, now, await registerOf(context));
  const start = () => openJournal(context.state, earlier.id);
  const known = (address: string) => earlier.known.get(address);
  const { recog, ...withProblems } = await withRecog(plan);
  return prepare(withProblems, around, (underWay) => look(plan, around, { start, known, recog, underWay }), earlier.id);
}

/** Problems of the user's fingerprints that are shown; the others are counted. */
const SHOWN_PROBLEMS = 5;

async function withRecog(plan: ScanPlan): Promise<ScanPlan & { readonly recog: Recog | null }> {
  if (plan.order.recog === null) return { ...plan, recog: null };
  const { loadRecog } = await import('../collectors/network/recog.ts');
  const recog = await loadRecog(plan.order.recog);
  const shown = recog.problems.slice(0, SHOWN_PROBLEMS).map(({ file, line, message }) => `${file}:${line}: ${message}`);
  const more = recog.problems.length - shown.length;
  if (more > 0) shown.push(`${more} more fingerprints cannot be used`);
  return { ...plan, recog, problems: [...plan.problems, ...shown] };
}

async function registerOf(context: Context | null) {
  return context === null ? null : (await loadRegister(context, null)).register;
}

function prepare(
  plan: ScanPlan,
  around: ScanSurroundings,
  begin: (underWay: UnderWay) => AsyncGenerator<UnnamedObservation, void, undefined>,
  ownId: string | null,
): NetworkScan {
  const { context, signal } = around;
  const counts = noCounts();
  const underWay: UnderWay = { journal: null, scan: null };

  async function* observations(): AsyncGenerator<Observation, void, undefined> {
    try {
      const seen = begin(underWay);
      if (context === null || !around.isRecorded) yield* nameAll(seen, counts);
      else
        for await (const observation of recordAll(context, seen, counts)) {
          underWay.journal?.done(observation.host.name);
          yield observation;
        }
      if (!signal.aborted) underWay.journal?.finish();
    } finally {
      underWay.journal?.close();
    }
  }

  return {
    plan,
    hosts: Number(size(plan.addresses)),
    unfinished: context === null ? [] : listJournals(context.state).filter((id) => id !== ownId),
    observations: observations(),
    counts,
    progress: () => underWay.scan?.progress ?? NO_PROGRESS,
    id: () => underWay.journal?.id ?? null,
  };
}

interface UnderWay {
  journal: ScanJournal | null;
  scan: ConnectScan | null;
}

interface OwnScan {
  readonly start: () => ScanJournal | null;
  readonly known: (address: string) => KnownPorts | undefined;
  readonly recog: Recog | null;
  readonly underWay: UnderWay;
}

/** Scans with our own scanner, and yields what was seen of each address as it is finished. */
async function* look(
  { order, addresses }: ScanPlan,
  { env, signal }: ScanSurroundings,
  { start, known, recog, underWay }: OwnScan,
): AsyncGenerator<UnnamedObservation, void, undefined> {
  const spare = spareDescriptors();
  const atATime = order.identify ? Math.max(1, Math.min(MOST_IDENTIFIED_AT_A_TIME, Math.floor(spare / 4))) : 1;
  const rate = createRateLimit(order.rate ?? Number.POSITIVE_INFINITY);
  const ratePerHost = order.ratePerHost ?? Number.POSITIVE_INFINITY;
  const journal = start();
  const scan = startConnectScan(addressesOf(addresses), {
    ports: Uint16Array.from(order.ports),
    rate,
    ratePerHost,
    retries: { silent: Math.min(SILENT_RETRIES, order.retries), answering: order.retries },
    maxInFlight: Math.max(4, Math.min(MOST_IN_FLIGHT, spare - atATime)),
    skipSilent: order.skipSilent,
    known,
    signal,
  });
  underWay.journal = journal;
  underWay.scan = scan;
  const askServices = createServiceAsker({
    identify: order.identify,
    udp: order.udp,
    atATime,
    rate,
    ratePerHost,
    signal,
    ...(recog && { recog }),
  });
  const vantage = `network:${thisHost(env)}`;
  const timer = journal && setInterval(() => journal.news(scan.news(NEWS)), NEWS_EVERY_MS);
  try {
    const findings = inParallel(scan.results, atATime, async (tcp) => ({
      tcp,
      found: await askServices(tcp, order.names[tcp.address] ?? []),
    }));
    for await (const { tcp, found } of findings) {
      if (found !== null) yield observationOfAddress(found, vantage);
      // broken off in the middle: its ports need not be asked again, what answers on them does
      else journal?.news([{ address: tcp.address, ports: { ...tcp.ports, silent: [] } }]);
    }
  } finally {
    if (timer) clearInterval(timer);
    journal?.news(scan.news(1));
  }
}
