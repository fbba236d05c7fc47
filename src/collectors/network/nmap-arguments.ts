import { UserError } from '../../model/errors.ts';

/** Options that only choose how to look. What writes files, runs scripts, spoofs or attacks is none of them. */
const ALLOWED: readonly { readonly flag: RegExp; readonly what: string }[] = [
  { flag: /^-s[STUV]$/, what: '-sS, -sT, -sU, -sV' },
  { flag: /^-O$/, what: '-O' },
  { flag: /^-T[0-4]$/, what: '-T0 to -T4' },
  { flag: /^--version-intensity=[0-9]$/, what: '--version-intensity=N' },
  { flag: /^--version-(?:light|all)$/, what: '--version-light, --version-all' },
  { flag: /^--(?:min|max)-rate=\d{1,6}$/, what: '--min-rate=N, --max-rate=N' },
  { flag: /^--max-retries=\d{1,2}$/, what: '--max-retries=N' },
  { flag: /^--host-timeout=\d{1,6}(?:ms|s|m|h)$/, what: '--host-timeout=TIME' },
  { flag: /^--scan-delay=\d{1,6}(?:ms|s)$/, what: '--scan-delay=TIME' },
  { flag: /^--(?:min|max)-(?:hostgroup|parallelism)=\d{1,5}$/, what: '--max-hostgroup=N, --max-parallelism=N' },
  { flag: /^--top-ports=\d{1,5}$/, what: '--top-ports=N' },
  { flag: /^--reason$/, what: '--reason' },
  { flag: /^--defeat-rst-ratelimit$/, what: '--defeat-rst-ratelimit' },
];

export interface NmapRequest {
  readonly targets: readonly string[];
  readonly exclude: readonly string[];
  readonly ports?: string;
  readonly flags: readonly string[];
  readonly ipv6: boolean;
}

/**
 * Arguments for nmap: no name look-ups (-n), no pings (-Pn), XML to a file, and what was asked for. Throws UserError for an
 * option that is not on the list, and for targets or ports that nmap could take for options.
 */
export function nmapArguments(request: NmapRequest, xmlFile: string): readonly string[] {
  for (const flag of request.flags)
    if (!ALLOWED.some((a) => a.flag.test(flag)))
      throw new UserError(`the nmap option ${flag} is not allowed`, {
        hint: `These are: ${ALLOWED.map((a) => a.what).join(', ')}. For others run nmap yourself with -oX and import its XML: quietdoor import FILE.`,
      });
  const { ports } = request;
  if (ports !== undefined && !/^[\dTU:,-]{1,65535}$/.test(ports))
    throw new UserError(`"${ports.slice(0, 80)}" is no list of ports for nmap`);
  const places = [...request.targets, ...request.exclude];
  const bad = places.find((p) => !/^[0-9A-Za-z][\w.:/-]*$|^::[\w.:/]*$/.test(p));
  if (bad !== undefined) throw new UserError(`"${bad.slice(0, 80)}" is no target for nmap`);
  if (request.targets.length === 0) throw new UserError('no target for nmap');
  return [
    ...['-n', '-Pn', '--noninteractive', '-oX', xmlFile],
    ...(request.ipv6 ? ['-6'] : []),
    ...(ports === undefined ? [] : ['-p', ports]),
    ...request.flags,
    ...(request.exclude.length === 0 ? [] : ['--exclude', request.exclude.join(',')]),
    ...request.targets,
  ];
}
