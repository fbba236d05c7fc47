import { isAbsolute, normalize } from 'node:path/posix';
import { parseCron, shortestInterval } from '../model/cron.ts';
import type { ScheduleItem } from '../model/schedule.ts';
import type { ConfigReader, Said } from './config-reader.ts';
import { type ConfigInput, configSchema } from './config-schema.ts';
import { type Issue, take } from './issues.ts';
import { splitWords } from './shell-words.ts';
import { didYouMean } from './suggest.ts';
import { cut, readMinutes } from './times.ts';

/** Commands that may be scheduled: what looks, takes in and reports. None that approves. */
export const SCHEDULABLE = ['scan', 'import', 'check', 'report', 'assets', 'changes'] as const;

const MINUTE_MS = 60_000;
/** A run is never missed sooner than this: timers of a minute are late, and runs wait for each other. */
const LEAST_GRACE_MS = 5 * MINUTE_MS;
const MOST_WORDS = 1_000;

type Written = NonNullable<ConfigInput['schedule']>[number];

/** Reads `schedule`; each item is judged by itself. */
export function readSchedule(read: ConfigReader): ReadonlyMap<string, Said<ScheduleItem>> {
  const items = new Map<string, Said<ScheduleItem>>();
  const schema = configSchema.shape.schedule.unwrap();
  for (const [i, raw] of read.items('schedule', schema)) {
    const path = ['schedule', i];
    const item = read.value(path, raw, schema.element, understand);
    if (!item) continue;
    if (items.has(item.name)) {
      const message = `name: there is another item "${item.name}"`;
      read.report([{ path: ['name'], code: 'duplicate-name', message }], path);
    } else items.set(item.name, { value: item, at: read.at(path) });
  }
  return items;
}

function understand(written: Written, issues: Issue[]): ScheduleItem {
  const timeZone = written.timeZone?.trim() ?? 'UTC';
  const times = parseCron(written.cron, timeZone);
  if ('problem' in times) {
    const key = times.problem.includes('time zone') ? 'timeZone' : 'cron';
    issues.push({ path: [key], code: 'bad-schedule', message: `${key}: ${times.problem}` });
  }
  const interval = 'problem' in times ? null : shortestInterval(times);
  if (!('problem' in times) && interval === null)
    issues.push({ path: ['cron'], code: 'bad-schedule', message: `cron: "${cut(written.cron)}" is never due` });
  const run = readCommand(written.run, issues);
  const minutes = written.grace === undefined ? undefined : take(readMinutes(written.grace), ['grace'], issues);
  const graceMs = minutes === undefined ? Math.max((interval ?? 0) / 2, LEAST_GRACE_MS) : minutes * MINUTE_MS;
  return { name: written.name, cron: written.cron.trim().replaceAll(/\s+/g, ' '), timeZone, run, graceMs };
}

function readCommand(written: string | readonly string[], issues: Issue[]): readonly string[] {
  const words = typeof written === 'string' ? take(splitWords(written), ['run'], issues) : written;
  if (words === undefined) return [];
  const wrong = (message: string, hint?: string) => {
    issues.push({ path: ['run'], code: 'bad-command', message: `run: ${message}`, hint });
    return words;
  };
  const [command] = words;
  if (command === undefined) return wrong('is empty', 'for example: scan network 10.20.0.0/24');
  if (command === 'quietdoor') return wrong('begins with the program', 'write the command alone: scan, check…');
  if (!SCHEDULABLE.some((name) => name === command))
    return wrong(
      `"${cut(command)}" cannot be scheduled: expected one of ${SCHEDULABLE.join(', ')}`,
      didYouMean(command, SCHEDULABLE),
    );
  if (words.length > MOST_WORDS) return wrong(`has more than ${MOST_WORDS} words`);
  if (words.some((word) => word.includes('\0'))) return wrong('has a NUL character');
  const options = words.slice(0, words.includes('--') ? words.indexOf('--') : words.length);
  // -w with its value behind it, or behind other letters: -w/srv, -qw /srv
  const place = options.find((word) => /^--(?:workspace|state)(?:=|$)|^-q*w/.test(word));
  if (place) return wrong(`names another place with ${cut(place)}: it runs in this workspace`);
  const programs = options.find((word) => /^--ssh-config(?:=|$)/.test(word));
  if (programs)
    return wrong(
      `names programs to run with ${cut(programs)} (ProxyCommand)`,
      'put it into ~/.ssh/config of the user that runs the schedule',
    );
  const output = writtenFiles(options).find((path) => isAbsolute(path) || normalize(path).split('/')[0] === '..');
  if (output !== undefined)
    return wrong(
      `writes to "${cut(output)}", outside the workspace`,
      'write into the workspace, and let the service copy it from there',
    );
  if (command === 'scan' && (words[1] === 'due' || words.includes('--due')))
    return wrong('would run the schedule from the schedule');
  return words;
}

/** Paths that options have something written to: `-o x`, `-ox`, `-qo x`, `--output x`, `--output=x`. */
function writtenFiles(words: readonly string[]): string[] {
  return words.flatMap((word, i) => {
    const option = /^(?:--(?:output|write-baseline)(?:=|$)|-q*o)/s.exec(word)?.[0];
    if (option === undefined) return [];
    return [option.length < word.length || option.endsWith('=') ? word.slice(option.length) : (words[i + 1] ?? '')];
  });
}
