import type { z } from 'zod';
import type { HostDeclaration, Owner, Zone } from '../model/register.ts';
import { compareText } from '../util/compare.ts';
import { readCidr } from './addresses.ts';
import { type ConfigReader, list, type Said, sorted } from './config-reader.ts';
import { configSchema } from './config-schema.ts';
import { type Issue, take } from './issues.ts';
import type { YamlPath } from './positions.ts';

/** Reads `owners`, `zones` and `hosts`; each of them is judged by itself. */
export function readNames(read: ConfigReader) {
  const shape = configSchema.shape;
  const owners = new Map<string, Said<Owner>>();
  const zones = new Map<string, Said<Zone>>();
  const hosts = new Map<string, Said<HostDeclaration>>();
  const brokenZones: string[] = [];
  const named = <T>(key: 'owners' | 'zones' | 'hosts', name: string, schema: z.ZodType<T>) => {
    const okName = shape[key].unwrap().keyType.safeParse(name);
    if (okName.success) return schema;
    const message = `${key}: expected a name of letters, digits, dots, dashes and underscores, not "${name.slice(0, 60)}"`;
    read.report([{ path: [name], what: 'key', code: 'bad-key', message }], [key]);
    return undefined;
  };
  for (const [name, raw] of read.members('owners')) {
    const schema = named('owners', name, shape.owners.unwrap().valueType);
    const owner =
      schema &&
      read.value(['owners', name], raw, schema, (value): Owner => {
        if (typeof value === 'string') return { name, title: null, email: value.trim(), codeowners: [], members: [] };
        const { title, email, codeowners, members } = value;
        return {
          name,
          title: title ?? null,
          email: email ?? null,
          codeowners: sorted(codeowners),
          members: sorted(members),
        };
      });
    if (owner) owners.set(name, { value: owner, at: read.at(['owners', name]) });
  }
  for (const [name, raw] of read.members('zones')) {
    const schema = named('zones', name, shape.zones.unwrap().valueType);
    const zone =
      schema &&
      read.value(
        ['zones', name],
        raw,
        schema,
        (value, issues): Zone => ({ name, cidrs: readCidrs(value, [], issues) }),
      );
    if (zone) zones.set(name, { value: zone, at: read.at(['zones', name]) });
    else brokenZones.push(name);
  }
  for (const [name, raw] of read.members('hosts')) {
    const schema = named('hosts', name, shape.hosts.unwrap().valueType);
    const host =
      schema &&
      read.value(
        ['hosts', name],
        raw,
        schema,
        (value, issues): HostDeclaration => ({
          name,
          addresses: readCidrs(value.addresses ?? [], ['addresses'], issues),
          tags: sorted(value.tags),
          ...(value.owner === undefined ? {} : { owner: value.owner.trim() }),
        }),
      );
    if (host) hosts.set(name, { value: host, at: read.at(['hosts', name]) });
  }
  return { owners, zones, hosts, brokenZones };
}

function readCidrs(value: string | readonly string[], path: YamlPath, issues: Issue[]): string[] {
  const found = new Set<string>();
  for (const [i, item] of list(value).entries()) {
    const cidr = take(readCidr(item), typeof value === 'string' ? path : [...path, i], issues);
    if (cidr !== undefined) found.add(cidr);
  }
  return [...found].sort(compareText);
}
