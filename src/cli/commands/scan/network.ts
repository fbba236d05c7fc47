import { type Command, Option } from 'commander';
import type { Context } from '../../../app/context.ts';
import type { NetworkScanRequest } from '../../../app/scan-plan.ts';
import type { Observation } from '../../../model/observation.ts';
import { EXIT } from '../../exit-codes.ts';
import { type OutputOptions, type PlaceOptions, withExamples, withOutput, withPlace } from '../../options.ts';
import { changeWords, progress, renderOptions, writeAsItComes } from '../../output.ts';
import { showScanProgress } from '../../scan-progress.ts';

interface NetworkFlags extends OutputOptions, PlaceOptions {
  readonly ports?: string;
  readonly udp?: string | true;
  readonly exclude: readonly string[];
  readonly rate?: string;
  readonly ratePerHost?: string;
  readonly fast?: boolean;
  readonly retries: string;
  readonly skipSilent?: boolean;
  readonly identify: boolean;
  readonly recog?: string;
  readonly engine: 'own' | 'nmap';
  readonly nmapOption: readonly string[];
  readonly resume?: string | true;
  readonly record: boolean;
}

export function define(parent: Command): void {
  const summary = 'other machines over the network: connects to their TCP ports, and asks UDP ports';
  const command = parent
    .command('network')
    .summary(summary)
    .description(
      `${summary}.\nTargets: addresses, CIDRs (10.0.0.0/24), ranges (10.0.0.1-20), names, @FILE or - (one per line, # for comments).`,
    )
    .argument('[targets...]', 'what to scan')
    .option('-p, --ports <list>', 'ports, ranges, service names, top:N, all, registered; default: top:1000,registered')
    .option('--udp [list]', 'also UDP ports; without a list those that there are requests for')
    .option(
      '--exclude <target>',
      'never send it a packet; may be repeated',
      (item, list) => [...list, item],
      [] as string[],
    )
    .option(
      '--rate <n>',
      'new connections per second in all, or "unlimited"; default: scan.rate of the workspace, else 1000',
    )
    .option('--rate-per-host <n>', 'the same for one host; default: scan.ratePerHost of the workspace, else 100')
    .option('--fast', 'short for --rate unlimited --rate-per-host unlimited')
    .option('--retries <n>', 'how often a silent port of a host that answers is asked again', '3')
    .option('--skip-silent', 'leave a host of which the first 16 ports say nothing')
    .option('--no-identify', 'do not ask open ports what they are')
    .option('--recog <dir>', 'own fingerprints, a folder of rapid7/recog XML')
    .addOption(
      new Option('--engine <name>', 'who scans: our own scanner, or an installed nmap')
        .choices(['own', 'nmap'])
        .default('own'),
    )
    .option(
      '--nmap-option <option>',
      'a further option for nmap, as --nmap-option=-O; may be repeated',
      (item, list: string[]) => [...list, item],
      [],
    )
    .option('--resume [id]', 'go on with a scan that was interrupted; without an id the newest')
    .option('--no-record', 'only print; needs no workspace, and cannot be resumed')
    .action(run);
  withPlace(command);
  withOutput(command, ['table', 'json', 'jsonl', 'csv']);
  withExamples(command, [
    ['quietdoor scan network 10.0.0.0/24', 'the 1,000 likeliest and all registered ports, gently'],
    ['quietdoor scan network db-1 -p all --fast', 'every TCP port of a host, as fast as it goes'],
    ['quietdoor scan network @hosts.txt --udp', 'hosts of a file, with the usual UDP services'],
    ['quietdoor scan network --resume', 'go on with the scan that was interrupted last'],
  ]);
}

/** What a scan that is resumed was told when it began. */
const AS_IT_WAS_BEGUN = ['ports', 'udp', 'retries', 'skipSilent', 'identify', 'recog', 'engine', 'nmapOption'];

async function run(words: readonly string[], flags: NetworkFlags, command: Command): Promise<void> {
  const { UserError } = await import('../../../model/errors.ts');
  const { scanNetwork, resumeNetworkScan } = await import('../../../app/scan-network.ts');
  const { readTargets } = await import('../../../app/read-targets.ts');
  const { renderObservations } = await import('../../../reports/observations.ts');
  const { count } = await import('../../../util/words.ts');
  const context = await findContext(flags);
  const stop = new AbortController();
  const around = { context, isRecorded: flags.record, env: process.env, signal: stop.signal };
  const exclude = flags.exclude.map((target) => ({ target, reason: 'excluded on the command line' }));
  const isGiven = (name: string) => command.getOptionValueSource(name) === 'cli';
  if (flags.resume !== undefined && (words.length > 0 || context === null || !flags.record))
    throw new UserError(
      '--resume goes on with a recorded scan as it was begun: it takes no targets and no --no-record',
    );
  const other = command.options.find((o) => AS_IT_WAS_BEGUN.includes(o.attributeName()) && isGiven(o.attributeName()));
  if (flags.resume !== undefined && other)
    throw new UserError(`--resume goes on with a scan as it was begun: it takes no ${other.long}`, {
      hint: 'What it takes: --rate, --rate-per-host, --fast and --exclude.',
    });
  if (flags.engine !== 'nmap' && flags.nmapOption.length > 0)
    throw new UserError('--nmap-option is for nmap, and it is not nmap that scans', { hint: 'Add --engine nmap.' });
  if (flags.resume === undefined && words.length === 0)
    throw new UserError('no targets', { hint: 'For example: quietdoor scan network 10.0.0.0/24' });
  const scan =
    flags.resume !== undefined && context !== null
      ? await resumeNetworkScan(
          flags.resume === true ? null : flags.resume,
          { exclude, ...(await ratesOf(flags)) },
          { ...around, context },
        )
      : await scanNetwork(
          { ...(await requestOf(flags)), targets: await readTargets(words, process.stdin), exclude },
          around,
        );

  const { plan } = scan;
  for (const problem of plan.problems) process.stderr.write(`quietdoor: ${problem}\n`);
  for (const { target, reason, addresses } of plan.leftOut)
    progress(flags, `not scanned: ${target} (${reason}), ${addresses === 1n ? '1 address' : `${addresses} addresses`}`);
  if (scan.unfinished.length > 0)
    progress(flags, `scans that were not finished: ${scan.unfinished.join(', ')}; go on with --resume ID`);
  const { rate, ratePerHost, ports } = plan.order;
  progress(
    flags,
    `scanning ${count(scan.hosts, 'address', 'addresses')}, ${count(ports.length, 'TCP port')} each, ${rate === null ? 'as fast as it goes' : `${rate} connections/s`}${ratePerHost === null || flags.engine === 'nmap' ? '' : `, ${ratePerHost}/s to one host`}`,
  );

  const interrupt = () => {
    progress(flags, 'stopping; once more to end at once');
    stop.abort();
  };
  process.once('SIGINT', interrupt);
  process.once('SIGTERM', interrupt);
  const endProgress = showScanProgress(
    () => ({ ...scan.progress(), hosts: scan.hosts, ports: scan.hosts * ports.length }),
    flags.quiet === true,
  );
  try {
    const seen = flags.format === 'jsonl' ? scan.observations : inOrder(scan.observations);
    await writeAsItComes(renderObservations(seen, flags.format, renderOptions(flags)), flags);
  } finally {
    endProgress();
    process.off('SIGINT', interrupt);
    process.off('SIGTERM', interrupt);
  }
  const { counts } = scan;
  const changes = `${changeWords(counts)} since the last look`;
  if (flags.record) progress(flags, `${count(counts.hosts, 'address', 'addresses')} recorded: ${changes}`);
  if (stop.signal.aborted) {
    const id = scan.id();
    process.stderr.write(`interrupted${id === null ? '' : `; go on with: quietdoor scan network --resume ${id}`}\n`);
    process.exitCode = EXIT.interrupted;
  } else if (counts.gaps > 0 || plan.problems.length > 0) process.exitCode = EXIT.gaps;
}

/** Without --record a workspace is not needed, but where there is one its exclusions hold. */
async function findContext(flags: NetworkFlags): Promise<Context | null> {
  const { UserError } = await import('../../../model/errors.ts');
  const { openContext } = await import('../../../app/context.ts');
  try {
    return openContext(flags);
  } catch (error) {
    if (!flags.record && flags.workspace === undefined && error instanceof UserError) return null;
    throw error;
  }
}

/** Caps that were given. */
async function ratesOf(flags: NetworkFlags): Promise<Pick<NetworkScanRequest, 'rate' | 'ratePerHost'>> {
  const { UserError } = await import('../../../model/errors.ts');
  const rateOf = (text: string | undefined, name: string): number | undefined => {
    if (text === undefined) return flags.fast ? Number.POSITIVE_INFINITY : undefined;
    if (text === 'unlimited') return Number.POSITIVE_INFINITY;
    const rate = Number(text);
    if (!(rate > 0 && rate <= 1_000_000))
      throw new UserError(`--${name} is "${text}"; connections per second are expected, or "unlimited"`);
    return rate;
  };
  const rate = rateOf(flags.rate, 'rate');
  const ratePerHost = rateOf(flags.ratePerHost, 'rate-per-host');
  return { ...(rate !== undefined && { rate }), ...(ratePerHost !== undefined && { ratePerHost }) };
}

async function requestOf(flags: NetworkFlags): Promise<Omit<NetworkScanRequest, 'targets' | 'exclude'>> {
  const { UserError } = await import('../../../model/errors.ts');
  if (!/^(?:[0-9]|10)$/.test(flags.retries))
    throw new UserError(`--retries is "${flags.retries}"; 0 to 10 are expected`);
  return {
    ...(await ratesOf(flags)),
    ...(flags.ports !== undefined && { ports: flags.ports }),
    ...(flags.udp !== undefined && { udp: flags.udp === true ? 'usual' : flags.udp }),
    ...(flags.recog !== undefined && { recog: flags.recog }),
    ...(flags.engine === 'nmap' && { nmap: flags.nmapOption }),
    retries: Number(flags.retries),
    skipSilent: flags.skipSilent === true,
    identify: flags.identify,
  };
}

/** The same, ordered by address: addresses are finished in any order, and an inventory reads the same every time. */
async function* inOrder(observations: AsyncIterable<Observation>): AsyncIterable<Observation> {
  const { parseAddress } = await import('../../../model/address.ts');
  const { compareBy } = await import('../../../util/compare.ts');
  const all: Observation[] = [];
  for await (const observation of observations) all.push(observation);
  const keyOf = ({ host }: Observation) => {
    const address = parseAddress(host.name);
    return `${address?.family} ${address?.value.toString(16).padStart(32, '0')}`;
  };
  yield* all.sort(compareBy(keyOf));
}
