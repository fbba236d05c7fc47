import { addressWords } from '../model/describe.ts';
import type { EndpointFacts } from '../model/facts.ts';
import type { ProcessFacts } from '../model/listener.ts';
import { isCovered } from '../model/observation.ts';
import type { HostState, ListenerState } from '../model/state.ts';
import { vantageKind, vantageWords } from '../model/vantage.ts';
import { count, listWords } from '../util/words.ts';
import { outsideLines } from './outside-text.ts';
import type { Line } from './text-table.ts';
import { formatDate, formatTime } from './time.ts';
import { processName } from './words.ts';

/** Longest command line that is shown; the whole one is in the JSON. */
const COMMAND_LENGTH = 160;

/**
 * What was seen of an endpoint, a line of facts each, every vantage for itself: first what the host shows, then what
 * answered from outside. *Nobody looked* and *nothing listens* are different answers.
 */
export function observedLines(facts: EndpointFacts, now: number): Line[] {
  const inside = facts.listeners.filter((s) => vantageKind(s.vantage) === 'inside');
  const groups = Map.groupBy(inside, (s) =>
    JSON.stringify([s.vantage, s.listener.process?.pid ?? null, s.listener.uid ?? null]),
  );
  // What two vantages say alike is said once.
  const told = new Map([...groups.values()].map(groupLines).map((lines) => [JSON.stringify(lines), lines]));
  const open = [...told.values()].flat();
  const outside = outsideLines(facts, now);
  const absent = facts.listeners.length === 0 ? absenceLines(facts, outside.length > 0) : [];
  return [...open, ...absent, ...closedLines(facts), ...(open.length > 0 ? vantageLines(facts) : []), ...outside];
}

/** The answer where nothing is known to listen; what was asked from outside is told elsewhere. */
function absenceLines(facts: EndpointFacts, wasAsked: boolean): string[] {
  if (facts.host.length === 0)
    return ['unknown: nobody looked at this host yet (sudo quietdoor scan, on the host itself)'];
  const inside = facts.host.filter((h) => vantageKind(h.vantage) === 'inside');
  const looks = inside.length > 0 || wasAsked ? inside : facts.host;
  return looks.map((h) =>
    h.coverage.length === 0
      ? `unknown: ${failedLook(h)}`
      : isCovered(h.coverage, facts.endpoint)
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
    const from = vantageKind(s.vantage) === 'outside' ? `, ${vantageWords(s.vantage)},` : '';
    return `was open on ${s.listener.address}${name}${from} until ${formatDate(s.closedAt)}`;
  });
}

/** When and with which rights the host itself was looked at, where something listens; and which looks failed. */
function vantageLines(facts: EndpointFacts): string[] {
  const looks = facts.host.filter((h) => vantageKind(h.vantage) === 'inside');
  const seen = looks.filter((h) => h.coverage.length > 0);
  const words = seen.map(
    (h) => `${formatTime(h.lastObservedAt)} (${h.collector}, ${h.privilege === 'root' ? 'as root' : 'not as root'})`,
  );
  return [
    ...(words.length === 0 ? [] : [`last looked ${listWords(words)}`]),
    ...looks.filter((h) => h.coverage.length === 0).map(failedLook),
  ];
}

/** One that saw nothing of the host: it was not reached, say. Which is told among what was not seen. */
function failedLook(h: HostState): string {
  return `the look of ${formatTime(h.lastObservedAt)} (${h.collector}) failed`;
}

function shorten(text: string): string {
  return text.length > COMMAND_LENGTH ? `${text.slice(0, COMMAND_LENGTH).toWellFormed()}…` : text;
}
