import type { Declaration } from '../model/declaration.ts';
import type { ManifestFormat, ManifestProblem, ManifestReading } from './manifest-format.ts';
import { portOf, shown, transportOf } from './parts.ts';

interface Stage {
  readonly declarations: readonly Declaration[];
  readonly variables: ReadonlyMap<string, string>;
}

/** Dockerfile: the EXPOSE instructions of its last stage and of the stages that it is built on (Dockerfile reference). */
export const dockerfile: ManifestFormat = {
  name: 'dockerfile',
  title: 'Dockerfile',
  detect: ({ name, text }) =>
    /^(dockerfile|containerfile)([.-].*)?$|\.(dockerfile|containerfile)$/i.test(name) ||
    (/^\s*FROM\s+\S+/im.test(text) && /^\s*(EXPOSE|RUN|CMD|ENTRYPOINT|COPY)\s/im.test(text)),
  read(text, source): ManifestReading {
    const problems: ManifestProblem[] = [];
    const stages = new Map<string, Stage>();
    const global = new Map<string, string>();
    let name = '';
    let declarations: Declaration[] = [];
    let variables = new Map<string, string>();
    let started = false;
    const finish = () => {
      if (started && name !== '') stages.set(name, { declarations, variables });
    };
    for (const { line, word, rest } of instructions(text)) {
      if (word === 'FROM') {
        finish();
        const [, base = '', as] = /^(?:--\S+\s+)*(\S+)(?:\s+AS\s+(\S+))?/i.exec(rest) ?? [];
        const from = stages.get(base.toLowerCase());
        declarations = from ? [...from.declarations] : [];
        variables = new Map(from?.variables ?? []);
        name = as?.toLowerCase() ?? '';
        started = true;
      } else if (word === 'ENV' || word === 'ARG') {
        for (const [key, value] of assignments(rest, global)) {
          if (started) variables.set(key, expand(value, variables));
          else global.set(key, value);
        }
      } else if (word === 'EXPOSE') {
        for (const item of rest.split(/\s+/).filter((part) => part !== '')) {
          const [port, protocol = 'tcp'] = expand(item, variables).split('/');
          const range = portOf(port);
          const transport = transportOf(protocol);
          if (!range || !transport) {
            const why = item.includes('$') ? 'depends on a variable that has no default' : 'is no port';
            problems.push({ message: `EXPOSE ${shown(item)} ${why}; expected PORT[/tcp|udp]`, line });
            continue;
          }
          const base = { source, format: 'dockerfile', line, host: null, what: 'image', transport } as const;
          declarations.push({ ...base, ports: [range], reach: 'workload', scope: 'container:*' });
        }
      }
    }
    return { declarations, problems };
  },
};

/** Instructions with their first line; a backslash at the end of a line joins it with the next. */
function* instructions(text: string): Iterable<{ line: number; word: string; rest: string }> {
  let joined = '';
  let first = 0;
  for (const [i, raw] of text.split('\n').entries()) {
    const line = raw.replace(/\r$/, '');
    if (/^\s*#/.test(line) || (joined !== '' && line.trim() === '')) continue;
    if (joined === '') first = i + 1;
    if (line.endsWith('\\')) {
      joined += `${line.slice(0, -1)} `;
      continue;
    }
    const [, word, rest] = /^\s*([A-Za-z]+)\s+(.*)$/.exec(joined + line) ?? [];
    joined = '';
    if (word !== undefined && rest !== undefined) yield { line: first, word: word.toUpperCase(), rest: rest.trim() };
  }
}

/** `A=1 B="2"`, `A 1`, and `ARG A`, which takes the value that it was given before the first FROM. */
function* assignments(rest: string, given: ReadonlyMap<string, string>): Iterable<[string, string]> {
  if (!rest.includes('=')) {
    const [key = '', ...value] = rest.split(/\s+/);
    const text = value.length > 0 ? value.join(' ') : given.get(key);
    if (text !== undefined) yield [key, text];
    return;
  }
  for (const m of rest.matchAll(/([A-Za-z_]\w*)=("[^"]*"|'[^']*'|\S*)/g))
    yield [m[1] as string, (m[2] as string).replace(/^(["'])(.*)\1$/, '$2')];
}

function expand(text: string, variables: ReadonlyMap<string, string>): string {
  return text.replace(/\$(?:\{(\w+)(?::?-([^}]*))?\}|(\w+))/g, (whole, braced, otherwise, plain) => {
    return variables.get(braced ?? plain) ?? otherwise ?? whole;
  });
}
