import type { Line } from './lines.ts';
import type { LsofFile } from './lsof.ts';

/**
 * Network files of `lsof -F` (lsof(8), OUTPUT FOR OTHER PROGRAMS): one field a line, or up to a NUL with -F0; `p` begins a
 * process and `f` a file. Where `f` was not asked for, a second `n` or `t` begins the next file.
 */
export function* lsofFields(lines: readonly Line[]): Generator<LsofFile, void, undefined> {
  let process = { pid: 0, command: '', user: '', uid: '' };
  let file = new Map<string, string>();
  let line = 0;
  const finished = (): LsofFile | null => {
    const type = file.get('t');
    const name = file.get('n');
    const protocol = file.get('P');
    const state = file.get('ST');
    if (name === undefined || protocol === undefined || (type !== 'IPv4' && type !== 'IPv6')) return null;
    const user = process.user === '' ? process.uid : process.user;
    return {
      ...{ line, pid: process.pid, command: process.command, user, protocol, name },
      family: type === 'IPv4' ? 'ipv4' : 'ipv6',
      ...(state !== undefined && { state }),
    };
  };
  for (const { text, number } of lines)
    for (const field of text.split('\0')) {
      const [id, value] = [field.slice(0, 1), field.slice(1)];
      if (id === '') continue;
      if (id === 'p' || id === 'f' || ((id === 't' || id === 'P' || id === 'n') && file.has(id))) {
        const done = finished();
        if (done) yield done;
        file = new Map();
      }
      line = number;
      if (id === 'p') process = { pid: Number(value) || 0, command: '', user: '', uid: '' };
      else if (id === 'c') process.command = value;
      else if (id === 'L') process.user = value;
      else if (id === 'u') process.uid = value;
      else if (id === 'T') {
        if (value.startsWith('ST=')) file.set('ST', value.slice(3));
      } else file.set(id, value);
    }
  const last = finished();
  if (last) yield last;
}
