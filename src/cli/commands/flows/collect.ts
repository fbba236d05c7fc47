import { type Command, InvalidArgumentError } from 'commander';
import type { Context } from '../../../app/context.ts';
import type { AccountingPlan } from '../../../app/flows-accounting.ts';
import type { CollectRequest, CollectStatus } from '../../../app/flows-collect.ts';
import { UserError } from '../../../model/errors.ts';
import { consent } from '../../consent.ts';
import { EXIT } from '../../exit-codes.ts';
import { type PlaceOptions, withExamples, withPlace } from '../../options.ts';

interface CollectFlags extends PlaceOptions {
  readonly conntrack?: boolean;
  readonly withBytes?: boolean;
  readonly enableAccounting?: boolean;
  readonly undo?: boolean;
  readonly yes?: boolean;
  readonly netflow?: readonly Place[];
  readonly from?: readonly string[];
  readonly trustClocks?: boolean;
  readonly follow?: readonly string[];
  readonly as?: string;
  readonly fromStart?: boolean;
  readonly prefix?: readonly [string, 'accepted' | 'denied'][];
  readonly interval: number;
  readonly format: string;
  readonly quiet?: boolean;
}

interface Place {
  readonly address: string;
  readonly port: number;
}

export function define(parent: Command): void {
  const summary = 'take in flows as they happen: connection tracking, NetFlow and IPFIX, growing logs';
  const command = parent
    .command('collect')
    .summary(summary)
    .description(
      `${summary}.\nRuns until it is stopped (Ctrl-C, SIGTERM). Every five minutes that are over go to the store, with what was covered and what is known to be lost.\nNothing on this machine is changed, unless you ask for --enable-accounting, see its plan and say yes.`,
    )
    .option('--conntrack', 'new connections of this host, by its connection tracking; needs root and conntrack')
    .option('--with-bytes', 'with --conntrack: ends of connections too, for packets and bytes')
    .option('--enable-accounting', 'let the kernel count bytes and keep times; a plan first; put back at the end')
    .option('--undo', 'put back what --enable-accounting changed and a killed run left, and end')
    .option('-y, --yes', 'do not ask')
    .option('--netflow <address:port>', 'listen for NetFlow v5, v9 and IPFIX, e.g. 127.0.0.1:2055 (repeatable)', places)
    .option('--from <cidr>', 'read datagrams of these exporters only (repeatable)', texts)
    .option('--trust-clocks', 'take the times of exporters as they are, however wrong their clocks seem')
    .option('--follow <file>', 'a log that grows, through rotations (repeatable; all of one --as)', texts)
    .option('--as <format>', 'format of the followed logs: see "flows import --as help"')
    .option('--from-start', 'the first time, begin a followed log at its beginning, not at its end')
    .option('--prefix <text=action>', 'log prefix of a packet filter, accepted or denied (repeatable)', prefixes)
    .option('--interval <seconds>', 'between two lines of state', seconds, 60)
    .option('-f, --format <name>', 'jsonl: each state as JSON on standard output; none: on standard error only', 'none')
    .option('-q, --quiet', 'no state on standard error')
    .action(run);
  withPlace(command);
  withExamples(command, [
    ['sudo quietdoor flows collect --conntrack', 'who connects to this host, from now on'],
    ['sudo quietdoor flows collect --conntrack --with-bytes --enable-accounting', 'with bytes; shows a plan first'],
    ['quietdoor flows collect --netflow 127.0.0.1:2055', 'what exporters on this machine send'],
    ['quietdoor flows collect --netflow 10.0.0.5:2055 --from 10.0.0.1', 'what one router sends'],
    ['quietdoor flows collect --follow /var/log/kern.log --as netfilter-log', 'lines of LOG rules as they are written'],
  ]);
}

async function run(flags: CollectFlags): Promise<void> {
  const { openContext } = await import('../../../app/context.ts');
  const context = openContext(flags);
  if (flags.undo) return undo(context);
  const request = await requestOf(flags);
  const { changedSettings, undoAccounting } = await import('../../../app/flows-accounting.ts');
  const isChanged = flags.enableAccounting === true && (await enable(context, flags));
  if (!isChanged && changedSettings(context) !== null)
    process.stderr.write('Settings that an earlier run changed are still so; put them back with: --undo\n');
  try {
    await collect(context, request, flags);
  } finally {
    if (isChanged) tellBack(await undoAccounting(context));
  }
}

async function collect(context: Context, request: CollectRequest, flags: CollectFlags): Promise<void> {
  const { collectFlows } = await import('../../../app/flows-collect.ts');
  const stop = new AbortController();
  let isInterrupted = false;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.once(signal, () => {
      isInterrupted ||= signal === 'SIGINT';
      stop.abort();
    });
  const tell = (status: CollectStatus): void => {
    if (!flags.quiet) process.stderr.write(`${statusLine(status)}\n`);
    if (flags.format === 'jsonl')
      process.stdout.write(`${JSON.stringify({ schemaVersion: 1, type: 'flows.status', ...status })}\n`);
  };
  const last = await collectFlows(context, request, {
    signal: stop.signal,
    onStarted: (sources) => {
      if (!flags.quiet) process.stderr.write(`collecting: ${sources.join(', ')}\n`);
    },
    onStatus: tell,
    onWarning: (text) => process.stderr.write(`Warning: ${text}\n`),
  });
  tell(last);
  if (isInterrupted) process.exitCode = EXIT.interrupted;
}

/** Shows the plan, asks, and carries it out. False: there was nothing to change. */
async function enable(context: Context, flags: CollectFlags): Promise<boolean> {
  const { changedSettings, enableAccounting, planAccounting } = await import('../../../app/flows-accounting.ts');
  const isLeft = changedSettings(context) !== null;
  const plan = planAccounting();
  if (plan.changes.length === 0) {
    process.stderr.write('the kernel counts bytes and keeps times already: nothing is changed\n');
    return isLeft;
  }
  process.stdout.write(planText(plan));
  if (!(await consent('Change these settings until this ends?', flags.yes === true)))
    throw new UserError('nothing was changed, and nothing is collected', {
      hint: 'Nobody said yes. Without a terminal: --yes. Without bytes: leave out --enable-accounting.',
    });
  await enableAccounting(context, plan);
  return true;
}

function planText({ changes, namespace }: AccountingPlan): string {
  const lines = changes.map(({ setting, old, new: value, effect }) => `  ${setting}: ${old} → ${value}   ${effect}`);
  const undoing = changes.map(({ setting, old }) => `sysctl -w ${setting}=${old}`);
  return `Settings of the kernel, network namespace ${namespace ?? 'of this process'}:\n${lines.join('\n')}\nThey are put back when this ends; after a kill by: quietdoor flows collect --undo (or: ${undoing.join('; ')})\n`;
}

async function undo(context: Context): Promise<void> {
  const { undoAccounting } = await import('../../../app/flows-accounting.ts');
  const back = await undoAccounting(context);
  if (back.length === 0) process.stdout.write('nothing to put back\n');
  else tellBack(back);
}

function tellBack(changes: readonly { setting: string; old: string; new: string }[]): void {
  for (const { setting, old, new: value } of changes) process.stderr.write(`put back: ${setting}: ${old} → ${value}\n`);
}

async function requestOf(flags: CollectFlags): Promise<CollectRequest> {
  const { flowFormats } = await import('../../../flows/index.ts');
  const { parseAddressSet } = await import('../../../model/address-set-text.ts');
  if (!flags.conntrack && !flags.netflow && !flags.follow)
    throw new UserError('there is no source to collect from', {
      hint: 'Name one or more: --conntrack, --netflow 127.0.0.1:2055, --follow FILE --as FORMAT',
    });
  const wrong = flags.withBytes || flags.enableAccounting;
  if (wrong && !flags.conntrack)
    throw new UserError('--with-bytes and --enable-accounting belong to --conntrack, which is missing');
  const format = flowFormats.find(({ name }) => name === flags.as);
  if (flags.follow && !format)
    throw new UserError(
      flags.as === undefined ? '--follow needs the format of the log: --as' : `there is no flow format "${flags.as}"`,
      { hint: `Formats: ${flowFormats.map(({ name }) => name).join(', ')}` },
    );
  const { set, problems } = parseAddressSet(flags.from ?? []);
  if (problems.length > 0)
    throw new UserError(`--from ${problems.map(({ text, message }) => `${text}: ${message}`).join('; ')}`, {
      hint: 'Give addresses or networks, as 10.0.0.0/24.',
    });
  const open = (flags.netflow ?? []).filter(({ address }) => !/^(127\.|::1$)/.test(address));
  if (open.length > 0 && !flags.from)
    process.stderr.write(
      'Warning: whoever can send to that address can send flows that never were: name your exporters with --from\n',
    );
  return {
    conntrack: flags.conntrack ? { withBytes: flags.withBytes === true || flags.enableAccounting === true } : null,
    netflow: flags.netflow ?? [],
    from: flags.from ? set : null,
    trustClocks: flags.trustClocks === true,
    follow: (flags.follow ?? []).flatMap((file) => (format ? [{ file, format }] : [])),
    fromStart: flags.fromStart === true,
    formatOptions: { utcOffsetMinutes: 0, mapping: new Map(), prefixes: new Map(flags.prefix ?? []) },
    statusSeconds: flags.interval,
  };
}

function statusLine({ at, sources, exporters }: CollectStatus): string {
  const time = new Date(at).toISOString().slice(0, 19);
  const parts = sources.map(({ source, records, connections, rows, waiting, lost, problems }) => {
    const troubles = [
      ...(lost > 0 ? [`${lost} lost`] : []),
      ...(problems > 0 ? [`${problems} problems`] : []),
      ...(waiting > 0 ? [`${waiting} parts wait for the disk`] : []),
    ];
    return `${source}: ${records} records, ${connections} connections, ${rows} rows kept${troubles.map((text) => `, ${text}`).join('')}`;
  });
  const last = exporters.length > 0 ? `; exporters: ${exporters.length}` : '';
  return `${time}Z ${parts.join('; ')}${last}`;
}

function texts(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

function seconds(value: string): number {
  const number = Number(value);
  if (!Number.isInteger(number) || number < 1 || number > 86_400)
    throw new InvalidArgumentError('Expected whole seconds from 1 to 86400.');
  return number;
}

/** `127.0.0.1:2055`, `[::1]:4739`; a port alone is on loopback. */
function places(value: string, before: readonly Place[] = []): readonly Place[] {
  const match = /^(?:(?:\[([0-9a-f:.%\w]+)\]|(\d+\.\d+\.\d+\.\d+)):)?(\d{1,5})$/i.exec(value);
  const port = Number(match?.[3]);
  if (!match || port > 65_535) throw new InvalidArgumentError('Expected 127.0.0.1:2055, [::1]:2055 or 2055.');
  return [...before, { address: match[1] ?? match[2] ?? '127.0.0.1', port }];
}

function prefixes(
  value: string,
  before: readonly [string, 'accepted' | 'denied'][] = [],
): readonly [string, 'accepted' | 'denied'][] {
  const at = value.lastIndexOf('=');
  const action = value.slice(at + 1);
  if (at < 1 || (action !== 'accepted' && action !== 'denied'))
    throw new InvalidArgumentError('Expected the prefix and its action, as "web-drop: =denied".');
  return [...before, [value.slice(0, at), action]];
}
