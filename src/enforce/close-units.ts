/** What systemd says of a unit: `systemctl show`. */
export interface UnitFacts {
  readonly id: string;
  /** `loaded`, `not-found`, `masked`... */
  readonly loadState: string;
  /** `active`, `inactive`, `failed`... */
  readonly activeState: string;
  /** `enabled`, `disabled`, `static`, `masked`, `generated`...; empty: it has no file. */
  readonly fileState: string;
  readonly fragmentPath: string;
  /** Units that start it: sockets, timers, paths. */
  readonly triggeredBy: readonly string[];
  /** Units that pull it in when they start. */
  readonly wantedBy: readonly string[];
  /** Units that it stands for, if it is a socket, timer or path. */
  readonly triggers: readonly string[];
  /** Addresses that a socket unit listens on, as systemd writes them: `0.0.0.0:22 (Stream)`. */
  readonly listen: readonly string[];
}

/** Properties to ask `systemctl show` for. */
export const UNIT_PROPERTIES = [
  'Id',
  'LoadState',
  'ActiveState',
  'UnitFileState',
  'FragmentPath',
  'TriggeredBy',
  'Triggers',
  'WantedBy',
  'RequiredBy',
  'BoundBy',
  'UpheldBy',
  'Listen',
] as const;

/** Reads `systemctl show`: blocks of `Key=value`, a blank line between units. What has no Id is passed over. */
export function parseUnits(text: string): readonly UnitFacts[] {
  return text.split(/\n\n+/).flatMap((block) => {
    const values = new Map<string, string[]>();
    for (const line of block.split('\n')) {
      const at = line.indexOf('=');
      if (at > 0) values.set(line.slice(0, at), [...(values.get(line.slice(0, at)) ?? []), line.slice(at + 1)]);
    }
    const one = (key: string) => values.get(key)?.[0] ?? '';
    const words = (...keys: string[]) =>
      [...new Set(keys.flatMap((key) => one(key).split(' ')))].filter((word) => word !== '').sort();
    const id = one('Id');
    if (!isUnitName(id)) return [];
    return [
      {
        id,
        ...{ loadState: one('LoadState'), activeState: one('ActiveState'), fileState: one('UnitFileState') },
        fragmentPath: one('FragmentPath'),
        triggeredBy: words('TriggeredBy'),
        wantedBy: words('WantedBy', 'RequiredBy', 'BoundBy', 'UpheldBy'),
        triggers: words('Triggers'),
        listen: (values.get('Listen') ?? []).filter((line) => line !== ''),
      },
    ];
  });
}

/** A name that may be given to systemctl as it is: it is no option and no pattern (systemd.unit(5)). */
export function isUnitName(text: string): boolean {
  return /^[A-Za-z0-9:_.@\\][A-Za-z0-9:_.@\\-]{0,250}\.(service|socket|timer|path|target|scope|slice|mount|swap)$/.test(
    text,
  );
}

/** Says whether a socket unit listens on a port, by what systemd says of it. */
export function listensOn(unit: UnitFacts, transport: string, port: number): boolean {
  const kind = transport === 'tcp' ? 'Stream' : transport === 'udp' ? 'Datagram' : null;
  return unit.listen.some((line) => {
    const [, number, type] = /(?:^|:)(\d{1,5}) \((\w+)\)$/.exec(line) ?? [];
    return Number(number) === port && (kind === null || type === kind);
  });
}
