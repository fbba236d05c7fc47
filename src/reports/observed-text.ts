import { addressWords } from '../model/describe.ts';
import type { EndpointFacts } from '../model/facts.ts';
import type { ProcessFacts } from '../model/listener.ts';
import { isCovered } from '../model/observation.ts';
import type { ListenerState } from '../model/state.ts';
import { count, listWords } from '../util/words.ts';
import type { Line } from './text-table.ts';
import { formatDate, formatTime } from './time.ts';
import { processName } from './words.ts';

/** Longest command line that is shown; the whole one is in the JSON. */
const COMMAND_LENGTH = 160;

/** What was seen of an endpoint, a line of facts each. *Nobody looked* and *nothing listens* are different answers. */
export function observedLines(facts: EndpointFacts): Line[] {
  const groups = Map.groupBy(facts.listeners, (s) =>
    JSON.stringify([s.vantage, s.listener.process?.pid ?? null, s.listener.uid ?? null]),
  );
  const open = [...groups.values()].flatMap(groupLines);
  return [...(open.length > 0 ? open : absenceLines(facts)), ...closedLines(facts), ...vantageLines(facts)];
}

/** The answer where nothing is known to listen. */
function absenceLines(facts: EndpointFacts): string[] {
  if (facts.host.length === 0)
    return ['unknown: nobody looked at this host yet (sudo quietdoor scan, on the host itself)'];
  return facts.host.map((h) =>
    isCovered(h.coverage, facts.endpoint)
      ? `nothing listens: looked ${formatTime(h.lastObservedAt)} (${h.collector})`
      : `unknown: the look of ${formatTime(h.lastObservedAt)} (${h.collector}) did not cover this port`,
  );
}

function groupLines(states: readonly ListenerState[]): Line[] {
  const [first] = states as [ListenerState, ...ListenerState[]];
  const { listener } = first;
  const p = listener.process;
  const addresses = listWords(addressWords(states.map((s) => s.listener)));
  const since = Math.min(...states.map((s) => s.openSince));
  const restarts = Math.max(...states.map((s) => s.restarts));
  const place = [
    ...(p?.unit ? [`unit ${p.unit}`] : []),
    ...(p?.container ? [`container ${p.container.slice(0, 12)}`] : []),
    `on ${addresses}`,
    ...(listener.role === 'ephemeral' ? ['ephemeral: a client socket, not a service'] : []),
    `open since ${formatDate(since)}`,
    ...(restarts > 0 ? [count(restarts, 'restart')] : []),
  ];
  const owner = listener.user ?? (listener.uid === undefined ? undefined : `uid ${listener.uid}`);
  const who =
    p === null
      ? ['process not visible', ...(owner === undefined ? [] : [`socket owned by ${owner}`])]
      : processItems(p);
  return [
    who,
    place,
    ...(p?.commandLine ? [`runs ${shorten(p.commandLine)}`] : []),
    ...(listener.sharedWith.length > 0 ? [`also held by ${sharedWords(listener.sharedWith)}`] : []),
  ];
}

function processItems(p: ProcessFacts): readonly string[] {
  const user = p.user ?? (p.uid === undefined ? undefined : `uid ${p.uid}`);
  const binary = {
    present: [],
    replaced: ['the file on disk was replaced since it started'],
    deleted: ['the file was deleted since it started'],
  }[p.exeState ?? 'present'];
  return [
    `${processName(p)}${p.package ? ` (${p.package.name} ${p.package.version})` : ''}`,
    p.exe ?? 'executable not visible',
    ...binary,
    ...(user === undefined ? [] : [`user ${user}`]),
    `pid ${p.pid}`,
  ];
}

function sharedWords(processes: readonly ProcessFacts[]): string {
  return listWords(
    processes.map((p) => `${processName(p)} (pid ${p.pid}${p.user === undefined ? '' : `, user ${p.user}`})`),
  );
}

function closedLines(facts: EndpointFacts): string[] {
  return facts.closed.slice(0, 3).map((s) => {
    const name = s.listener.process === null ? '' : ` (${processName(s.listener.process)})`;
    return `was open on ${s.listener.address}${name} until ${formatDate(s.closedAt)}`;
  });
}

/** From where and with which rights was looked, where something listens. */
function vantageLines(facts: EndpointFacts): string[] {
  if (facts.listeners.length === 0) return [];
  const seen = facts.host.map(
    (h) => `${formatTime(h.lastObservedAt)} (${h.collector}, ${h.privilege === 'root' ? 'as root' : 'not as root'})`,
  );
  return seen.length === 0 ? [] : [`last looked ${listWords(seen)}`];
}

function shorten(text: string): string {
  return text.length > COMMAND_LENGTH ? `${text.slice(0, COMMAND_LENGTH).toWellFormed()}…` : text;
}
