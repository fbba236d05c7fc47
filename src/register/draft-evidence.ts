import { formatPorts, mergePorts } from '../model/port-ranges.ts';
import type { EndpointGroup, SeenEndpoint } from './draft-group.ts';
import type { ServiceGuess } from './service-guess.ts';

/** Endpoints described one by one; the rest is counted. */
const MAX_DESCRIBED = 8;
const MAX_TEXT = 400;

/**
 * Returns sentences about what was observed: where, which process, which package, since when. Command lines are none of
 * it, as they may hold secrets. Control characters that a process may have in its name are replaced.
 */
export function evidenceOf(group: EndpointGroup, guess: ServiceGuess): readonly string[] {
  const described = describable(group.seen);
  const lines = described.slice(0, MAX_DESCRIBED).map(describeSeen);
  const hosts = new Set(group.seen.map((s) => s.endpoint.host));
  if (described.length > MAX_DESCRIBED)
    lines.push(`The same on more ports or hosts: ${group.seen.length} endpoints on ${hosts.size} hosts in all.`);
  lines.push(describeGuess(guess, group));
  return lines.map(printable);
}

/** A run of ports of one process on one host is one sentence. */
interface Described {
  readonly first: SeenEndpoint;
  readonly ports: readonly number[];
}

function describable(seen: readonly SeenEndpoint[]): readonly Described[] {
  const groups = Map.groupBy(seen, (s) =>
    [s.endpoint.host, s.endpoint.scope, s.process?.pid, day(s.firstSeen), ...s.addresses].join('\0'),
  );
  return [...groups.values()].map((same) => ({
    first: same[0] as SeenEndpoint,
    ports: same.map((s) => s.endpoint.port),
  }));
}

function describeSeen({ first, ports }: Described): string {
  const { endpoint, addresses, process } = first;
  const who =
    process === null
      ? 'a process that was not visible'
      : [
          process.exe ?? process.name ?? `process ${process.pid}`,
          process.user === undefined ? '' : ` of user ${process.user}`,
        ].join('');
  const extra = [
    process?.unit === undefined ? '' : `unit ${process.unit}`,
    process?.package === undefined ? '' : `package ${process.package.name} ${process.package.version}`,
  ].filter((text) => text !== '');
  const where = endpoint.scope === 'host' ? endpoint.host : `${endpoint.host} (${endpoint.scope})`;
  const port = formatPorts(mergePorts(ports.map((p) => ({ from: p, to: p }))));
  const what = `${where}: ${who} listens on ${addresses.join(', ')} port ${port}/${endpoint.transport}`;
  return `${what}${extra.map((text) => `, ${text}`).join('')}; first seen ${day(first.firstSeen)}.`;
}

function describeGuess(guess: ServiceGuess, { program }: EndpointGroup): string {
  switch (guess.basis) {
    case 'port-and-process':
      return `Service ${guess.service}: port and process agree.`;
    case 'process':
      return `Service ${guess.service} is a guess from the process alone; the port is not its usual one.`;
    case 'port':
      return program === null
        ? `Service ${guess.service} is a guess from the port alone; the process was not visible.`
        : `Service ${guess.service} is a guess from the port alone; nothing is known of the program ${program}.`;
    case 'conflict':
      return `Service ${guess.service} is a guess from the process; the port is usually ${guess.usualForPort}.`;
    case 'none':
      return 'Neither port nor process says which service it is.';
  }
}

function day(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

function printable(text: string): string {
  const clean = text.toWellFormed().replaceAll(/[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu, '?');
  return clean.length > MAX_TEXT ? `${clean.slice(0, MAX_TEXT)}…`.toWellFormed() : clean;
}
