import { endpointKey } from '../model/endpoint.ts';
import type { Listener } from '../model/listener.ts';
import type { Notice } from '../model/notices.ts';
import type { ReachChange, RegisterStanding, WatchEntry, WatchedListener, WatchMessage } from '../model/watch.ts';
import { count, listWords } from '../util/words.ts';
import { listenerJson } from './listener-json.ts';
import { printable, printableJson } from './printable.ts';
import { paint, type Style } from './text-table.ts';
import { formatTime, isoTime } from './time.ts';
import { endpointWords, processName, shortDigest } from './words.ts';

/** How a watch is told: `table` is for people, a line each; `jsonl` one JSON object a line, every one with its version. */
export function renderWatchEntry(entry: WatchEntry, format: string, color: boolean): string {
  if (format === 'jsonl') return `${printableJson(entryJson(entry))}\n`;
  const time = formatTime(entry.at).replace(/ UTC$/, '');
  const [first = '', ...more] =
    entry.kind === 'notice' ? noticeLines(entry, color) : messageLines(entry.message, color);
  return [`${time}  ${first}`, ...more.map((line) => `${' '.repeat(time.length + 2)}${line}`)]
    .map((line) => `${line}\n`)
    .join('');
}

type NoticeEntry = Extract<WatchEntry, { kind: 'notice' }>;

function noticeLines({ notice, standings }: NoticeEntry, color: boolean): readonly string[] {
  const [standing] = standings;
  if (notice.kind === 'many') return [manyWords(notice), ...exampleLines(notice, standings, color)];
  const { listener } = notice.what;
  const verb = paint(VERB_STYLE[notice.kind], VERBS[notice.kind].padEnd(8), color);
  const facts = [placeWords(listener), ...processWords(listener), ...noticeWords(notice)];
  const said = standing === undefined ? [] : [standingText(standing, color)];
  return [`${verb}  ${[...facts.map(printable), ...said].join(' · ')}`];
}

const VERBS = {
  opened: 'opened',
  closed: 'closed',
  changed: 'changed',
  replaced: 'replaced',
  flapping: 'flapping',
} as const;

const VERB_STYLE: Readonly<Record<keyof typeof VERBS, Style>> = {
  opened: 'cyan',
  closed: 'gray',
  changed: 'yellow',
  replaced: 'yellow',
  flapping: 'yellow',
};

function placeWords(listener: Listener): string {
  return `${endpointWords(listener)} on ${listener.address}`;
}

/** An absent fact was not visible: it is left out, and a process that was not seen is said to be so. */
function processWords({ process: p, user }: Listener): readonly string[] {
  const name = p?.exe ?? processName(p);
  const who = p?.user ?? user ?? (p?.uid === undefined ? undefined : `uid ${p.uid}`);
  return [
    p === null ? name : `${name} (pid ${p.pid})`,
    ...(who === undefined ? [] : [`user ${who}`]),
    ...(p?.unit === undefined ? [] : [`unit ${p.unit}`]),
    ...(p?.container === undefined ? [] : [`container ${p.container.slice(0, 12)}`]),
  ];
}

function noticeWords(notice: Exclude<Notice<WatchedListener>, { kind: 'many' }>): readonly string[] {
  switch (notice.kind) {
    case 'closed':
      return notice.openMs === null ? [] : [`was open for ${lengthWords(notice.openMs)}`];
    case 'changed':
      return (notice.what.changes ?? []).map(({ attribute, old, new: now }) => `${attribute} ${old} → ${now}`);
    case 'replaced':
      return [`before: ${processWords(notice.before.listener).slice(0, 2).join(', ')}`];
    case 'flapping':
      return [`${timesWords(notice)}${notice.over ? `; quiet now, ${notice.isOpen ? 'open' : 'closed'}` : ''}`];
    case 'opened':
      return [];
  }
}

/** `opened and closed 40 times in 10 min`. */
function timesWords({ opens, closes, from, at }: { opens: number; closes: number; from: number; at: number }): string {
  const times =
    opens === closes
      ? `opened and closed ${count(opens, 'time')}`
      : `opened ${count(opens, 'time')}, closed ${count(closes, 'time')}`;
  return `${times} in ${lengthWords(at - from)}`;
}

function manyWords(notice: Extract<Notice<WatchedListener>, { kind: 'many' }>): string {
  const who = printable(notice.program ?? 'several programs');
  const ports = `${count(notice.opens, 'opening')}, ${count(notice.closes, 'closing')}`;
  const what =
    notice.over || notice.at > notice.from
      ? `${ports} in ${lengthWords(notice.at - notice.from)}`
      : 'more than can be told one by one';
  return `many      ${who} · ${what}${notice.over ? '; quiet now' : '; the next ones are told together, all are recorded'}`;
}

function exampleLines(
  { examples }: Extract<Notice<WatchedListener>, { kind: 'many' }>,
  standings: readonly RegisterStanding[],
  color: boolean,
): readonly string[] {
  return examples.map(({ listener }, i) => {
    const standing = standings[i];
    return `among them ${printable(placeWords(listener))}${standing ? ` · ${standingText(standing, color)}` : ''}`;
  });
}

const STANDING_STYLE: Readonly<Record<RegisterStanding['word'], Style>> = {
  approved: 'green',
  unproven: 'yellow',
  deviates: 'red',
  unregistered: 'red',
  unknown: 'gray',
};

function standingText({ word, entry, owner, reasons }: RegisterStanding, color: boolean): string {
  const who = entry === undefined ? '' : ` ${entry} (${owner === undefined ? 'no owner' : `owner ${owner}`})`;
  const [why] = reasons;
  const words = {
    approved: `approved${who}`,
    unproven: `registered${who}, not proven${why === undefined ? '' : ` (${why})`}`,
    deviates: `DEVIATES${who}${why === undefined ? '' : `: ${why}`}`,
    unregistered: 'NOT IN THE REGISTER',
    unknown: `register: not known${why === undefined ? '' : ` (${why})`}`,
  };
  return paint(STANDING_STYLE[word], printable(words[word]), color);
}

function messageLines(message: WatchMessage, color: boolean): readonly string[] {
  const tag = (word: string, style: Style) => `${paint(style, word.padEnd(8), color)}  `;
  switch (message.kind) {
    case 'started': {
      const { host, listeners, scopes, method } = message;
      const where = scopes > 1 ? ` in ${count(scopes, 'network namespace')}` : '';
      return [
        `${tag('watching', 'bold')}${printable(host)} · ${count(listeners, 'listener')}${where} · by ${method} · times are UTC`,
      ];
    }
    case 'stopped':
      return [`${tag('stopped', 'bold')}${printable(message.because)}`];
    case 'caught-up': {
      const { opened, closed, changed } = message;
      return [`${tag('since', 'bold')}the last look: ${opened} opened, ${closed} closed, ${changed} changed`];
    }
    case 'gap': {
      const { because, seconds, lost } = message;
      const more = [
        ...(seconds === undefined ? [] : [`nothing was watched for ${lengthWords(seconds * 1000)}`]),
        ...(lost === undefined || lost === 0 ? [] : [`${count(lost, 'event')} lost`]),
      ];
      return [`${tag('gap', 'magenta')}${printable(because)}${more.length === 0 ? '' : ` · ${more.join(' · ')}`}`];
    }
    case 'unseen':
      return [
        `${tag('unseen', 'gray')}${printable(message.message)}${message.remedy ? ` ${printable(message.remedy)}` : ''}`,
      ];
    case 'firewall': {
      const { summary, reach, cut } = message;
      const more = cut > 0 ? [`and ${count(cut, 'more change')} in who can connect`] : [];
      const none = reach.length === 0 ? [' · who can connect is the same as before'] : [];
      return [
        `${tag('firewall', 'yellow')}${printable(summary)}${none.join('')}`,
        ...reach.flatMap(reachLines),
        ...more,
      ];
    }
    case 'register': {
      const { entries, problems, digest } = message;
      const wrong = problems === 0 ? '' : `, ${count(problems, 'problem')} (quietdoor register lint)`;
      return [`${tag('register', 'bold')}${shortDigest(digest)} · ${count(entries, 'entry', 'entries')}${wrong}`];
    }
    case 'job':
      return [`${tag('job', 'magenta')}${printable(message.job)} ${printable(message.message)}`];
  }
}

function reachLines({ transport, ports, gained, lost, undecided, listening }: ReachChange): readonly string[] {
  const what = `${transport}/${ports}`;
  const open =
    listening.length === 0
      ? ''
      : `, where ${ports.includes('-') ? `${listWords(listening.map(String))} listen` : 'something listens'}`;
  return [
    ...(gained ? [`can now reach ${what}${open}: ${gained.words}`] : []),
    ...(lost ? [`can no longer reach ${what}${open}: ${lost.words}`] : []),
    ...(undecided
      ? [`whether they can reach ${what}${open} is not decided, or was not before: ${undecided.words}`]
      : []),
  ];
}

/** `12 ms`, `4.2 s`, `10 min`, `3 h`. */
function lengthWords(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 10_000) return `${(ms / 1_000).toFixed(1)} s`;
  if (ms < 120_000) return `${Math.round(ms / 1_000)} s`;
  if (ms < 7_200_000) return `${Math.round(ms / 60_000)} min`;
  return ms < 172_800_000 ? `${Math.round(ms / 3_600_000)} h` : `${Math.round(ms / 86_400_000)} days`;
}

function entryJson(entry: WatchEntry): object {
  const head = { schemaVersion: 1, at: isoTime(entry.at) };
  if (entry.kind === 'message') return { ...head, ...entry.message };
  const { notice, standings } = entry;
  if (notice.kind === 'many') {
    const { kind, program, opens, closes, changes, over, from } = notice;
    const examples = notice.examples.map((what, i) => watchedJson(what, standings[i]));
    return { ...head, kind, program, from: isoTime(from), opens, closes, changes, over, examples };
  }
  const what = watchedJson(notice.what, standings[0]);
  switch (notice.kind) {
    case 'flapping': {
      const { kind, from, opens, closes, changes, isOpen, over } = notice;
      return { ...head, kind, ...what, from: isoTime(from), opens, closes, changes, isOpen, over };
    }
    case 'closed':
      return { ...head, kind: notice.kind, ...what, openMs: notice.openMs };
    case 'replaced':
      return { ...head, kind: notice.kind, ...what, before: listenerJson(notice.before.listener) };
    default:
      return { ...head, kind: notice.kind, ...what };
  }
}

function watchedJson({ listener, changes }: WatchedListener, standing: RegisterStanding | undefined) {
  return {
    subject: endpointKey(listener),
    endpoint: { host: listener.host, scope: listener.scope, transport: listener.transport, port: listener.port },
    listener: listenerJson(listener),
    ...(changes && { changes }),
    ...(standing && { register: standing }),
  };
}
