import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ansibleTasks, type ClosePatch } from '../enforce/close-patches.ts';
import { type ClosePlan, type CloseUnit, closeCommands, planClose, reopenCommands } from '../enforce/close-plan.ts';
import { type Endpoint, endpointKey, HOST_SCOPE } from '../model/endpoint.ts';
import { UserError } from '../model/errors.ts';
import type { EventDraft } from '../model/event.ts';
import type { Listener, ProcessFacts } from '../model/listener.ts';
import { holdersOf } from '../model/process-match.ts';
import type { ClosingView } from '../reports/close.ts';
import { closePatches } from './close-patches.ts';
import { runSystemctl, showUnits } from './close-systemctl.ts';
import { type Context, thisHost } from './context.ts';
import { writeStateFile } from './firewall-apply-state-file.ts';
import { ancestorsOf, findSessions } from './firewall-plan-session.ts';
import type { EndpointQuery } from './parse-endpoint.ts';
import { observe } from './scan.ts';
import { openStateToWrite, withStateToRead } from './state.ts';

/** What was looked at, and what would be done. */
export interface Closing {
  readonly endpoint: Endpoint;
  readonly listeners: readonly Listener[];
  readonly plan: ClosePlan;
  readonly patches: readonly ClosePatch[];
}

/** How long something may take to let go of its port once it was told to stop. */
const LET_GO_MS = 10_000;

/**
 * Plans how to close a port of this machine: looks at what holds it just now, and asks systemd. Changes nothing. Throws
 * UserError where the port is another machine's, or nothing holds it.
 */
export async function planClosing(context: Context, query: EndpointQuery, look: Look = lookHere): Promise<Closing> {
  const here = thisHost(context.env);
  const isHere = query.host === undefined || ['localhost', here.toLowerCase()].includes(query.host.toLowerCase());
  if (!isHere)
    throw new UserError(`${query.host} is another machine than this one, ${here}: ports are closed where they are`, {
      hint: 'Run the same there. Ansible tasks to do it from here are part of what it prints.',
    });
  const listeners = await listening(context, query, look);
  const [first] = listeners;
  if (!first)
    throw new UserError(`nothing listens on ${here}:${query.port} here`, {
      hint: 'See what does: quietdoor scan',
    });
  const endpoints = new Map(listeners.map((l) => [endpointKey(l), l]));
  if (endpoints.size > 1)
    throw new UserError(`several ports are meant by that: ${[...endpoints.keys()].join(', ')}`, {
      hint: 'Name one, for example :53/udp or :80@container:web',
    });
  const { host, scope, transport, port } = first;
  const endpoint = { host, scope, transport, port };
  const holders = listeners.flatMap(holdersOf);
  const names = [...new Set(holders.flatMap((holder) => holder.unit ?? []))];
  const units = await showUnits(names, context.env);
  const { sessions } = findSessions(context.env);
  const plan = planClose({
    ...{ transport, port, scope, holders, units: units ?? [], ancestors: [process.pid, ...ancestorsOf(process.pid)] },
    sessionPorts: sessions.map((session) => session.port),
  });
  const unasked = units === null && names.length > 0 && scope === HOST_SCOPE;
  const lists = await withStateToRead(context, async (store) => (store ? store.lists('declarations') : []));
  return {
    ...{ endpoint, listeners },
    plan: unasked
      ? { units: [], refused: ['systemd does not run here, or does not answer.'], notes: plan.notes }
      : plan,
    patches: [
      ...(plan.units.length > 0 ? [ansibleTasks(`port ${port}/${transport}`, plan.units)] : []),
      ...closePatches(lists, endpoint, holders),
    ],
  };
}

/** Looks at what listens on this machine just now. */
export type Look = (context: Context) => Promise<readonly Listener[]>;

const lookHere: Look = async ({ env, now }) =>
  (await observe({ collector: 'local', hashes: false, root: '/' }, env, now)).listeners;

/** What listens on the port just now, whichever scope and transport where they are not named. */
async function listening(
  context: Context,
  query: Pick<EndpointQuery, 'port' | 'transport' | 'scope'>,
  look: Look,
): Promise<readonly Listener[]> {
  const listeners = await look(context);
  return listeners.filter(
    (l) =>
      l.port === query.port &&
      (query.transport === undefined ? l.transport !== 'raw' : l.transport === query.transport) &&
      (query.scope === undefined || l.scope === query.scope),
  );
}

/** What was closed, as it is kept for undo. */
interface ClosedNote {
  readonly endpoint: Endpoint;
  readonly units: readonly CloseUnit[];
  readonly at: number;
  readonly by: string;
}

/** What became of a port. */
export interface Closed {
  readonly units: readonly CloseUnit[];
  /** Who listens on it all the same; empty: nobody. */
  readonly still: readonly ProcessFacts[];
  readonly isClosed: boolean;
}

/** Does what was planned, and looks whether nothing listens any more. Needs root. Throws UserError where it fails. */
export async function closePort(context: Context, { endpoint, plan }: Closing, look: Look = lookHere): Promise<Closed> {
  if (plan.refused.length > 0) throw new UserError(`it is not closed: ${plan.refused.join(' ')}`);
  if (plan.units.length === 0) throw new UserError('it is not closed: there is nothing to stop');
  needRoot();
  await using store = await openStateToWrite(context);
  const file = noteFile(context, endpoint);
  const earlier = readNote(file);
  const note: ClosedNote = {
    endpoint,
    // Closed twice: what it was before the first time is what undo goes back to.
    units: [...(earlier?.units ?? []), ...plan.units.filter((u) => !earlier?.units.some((e) => e.unit === u.unit))],
    at: context.now(),
    by: context.actor,
  };
  writeStateFile(
    context.state,
    file,
    `${JSON.stringify(note)}
`,
  );
  await runSystemctl(closeCommands(plan.units), context.env);
  let left: readonly Listener[] = [];
  for (const end = Date.now() + LET_GO_MS; ; await sleep(100)) {
    left = await listening(context, endpoint, look);
    if (left.length === 0 || Date.now() >= end) break;
  }
  const now = context.now();
  const isClosed = left.length === 0;
  await store.appendEvents([draft('port.closed', context, endpoint, plan.units, now, { verified: isClosed })], now);
  return { units: plan.units, still: left.flatMap(holdersOf), isClosed };
}

/** Puts back what `close` stopped: enabled and active as before. Throws UserError where nothing was closed. */
export async function reopenPort(context: Context, query: EndpointQuery): Promise<readonly CloseUnit[]> {
  const host = thisHost(context.env);
  const endpoint: Endpoint = {
    host,
    scope: query.scope ?? HOST_SCOPE,
    transport: query.transport ?? 'tcp',
    port: query.port,
  };
  const file = noteFile(context, endpoint);
  const note = readNote(file);
  if (!note)
    throw new UserError(`${endpointKey(endpoint)} was not closed by this workspace, so there is nothing to put back`);
  needRoot();
  await using store = await openStateToWrite(context);
  await runSystemctl(reopenCommands(note.units), context.env);
  const now = context.now();
  await store.appendEvents([draft('port.reopened', context, note.endpoint, note.units, now, {})], now);
  rmSync(file);
  return note.units;
}

function draft(
  type: EventDraft['type'],
  { actor }: Context,
  endpoint: Endpoint,
  units: readonly CloseUnit[],
  observedAt: number,
  more: EventDraft['body'],
): EventDraft {
  const unit = units.map((u) => u.unit).join(', ');
  return { type, observedAt, actor, subject: endpointKey(endpoint), body: { unit, ...more } };
}

function closedFolder(context: Context): string {
  return join(context.state, 'closed');
}

function noteFile(context: Context, { scope, transport, port }: Endpoint): string {
  return join(closedFolder(context), `${encodeURIComponent(scope)}-${transport}-${port}.json`);
}

function readNote(file: string): ClosedNote | null {
  try {
    const note = JSON.parse(readFileSync(file, 'utf8')) as ClosedNote;
    return Array.isArray(note.units) ? note : null;
  } catch {
    return null;
  }
}

function needRoot(): void {
  if (process.geteuid?.() !== 0) throw new UserError('only root can do this', { hint: 'Run the same with sudo.' });
}

/** What a report shows of it. */
export function closingView({ endpoint, listeners, plan, patches }: Closing): ClosingView {
  return {
    endpoint: endpointKey(endpoint),
    listeners: listeners.map((l) => ({
      address: l.address,
      process: l.process?.exe ?? l.process?.name ?? null,
      unit: l.process?.unit ?? null,
    })),
    units: plan.units,
    commands: closeCommands(plan.units).map((command) => `systemctl ${command.join(' ')}`),
    undo: reopenCommands(plan.units).map((command) => `systemctl ${command.join(' ')}`),
    refused: plan.refused,
    notes: plan.notes,
    patches,
  };
}
