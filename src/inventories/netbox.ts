import { getOrMake } from '../util/get-or-make.ts';
import { isInactive, problemList, toAsset } from './asset-fields.ts';
import type { AssetFormat, AssetReading, ReadAsset } from './asset-format.ts';
import { readJson } from './json-document.ts';
import { listOf, mapOf, pick, textOf, type Values } from './values.ts';

/**
 * JSON as NetBox's REST API gives it: devices, virtual machines, IP addresses, each a page (`{count, results}`), a list of
 * objects, or one document that holds several of these by name. Fields: netboxlabs.com/docs, REST API, of 3.x and 4.x.
 */
export const netbox: AssetFormat = {
  name: 'netbox',
  title: 'NetBox (JSON of its REST API: devices, virtual machines, IP addresses)',
  detect: ({ text }) =>
    /^\s*[[{]/.test(text) &&
    (/"url"\s*:\s*"[^"]*\/api\/(dcim\/devices|virtualization\/virtual-machines|ipam\/ip-addresses)\//.test(text) ||
      /"(device_type|primary_ip4|assigned_object_type)"\s*:/.test(text)),
  read(files): AssetReading {
    const { problems, report } = problemList();
    const machines: { kind: 'device' | 'vm'; values: Values; source: string; place: string }[] = [];
    const addresses: { values: Values; source: string; place: string }[] = [];
    for (const { source, text } of files) {
      const { value, problem } = readJson(text);
      if (problem) report({ source, ...problem });
      let known = 0;
      let taken = 0;
      for (const { values, place } of objectsOf(value)) {
        const kind = kindOf(values);
        if (kind === 'address') addresses.push({ values, source, place });
        else if (kind !== null && kind !== 'other') machines.push({ kind, values, source, place });
        if (kind !== null) known++;
        else report({ source, message: 'is no device, virtual machine or IP address of NetBox', place });
        if (kind !== null && kind !== 'other') taken++;
      }
      if (taken === 0 && !problem) {
        const message =
          known === 0
            ? 'has no object of NetBox: expected a list under results'
            : 'has no devices, virtual machines or IP addresses, only other objects of NetBox, which are passed over';
        report({ source, message });
      }
      const page = mapOf(value);
      if (textOf(page.next))
        report({ source, message: `is one page of several (next is given): export all, with limit=0`, place: '/next' });
    }
    return { assets: assetsOf(machines, addresses, report), problems };
  },
};

type Machine = { kind: 'device' | 'vm'; values: Values; source: string; place: string };
type Report = ReturnType<typeof problemList>['report'];

function assetsOf(
  machines: readonly Machine[],
  addresses: readonly { values: Values; source: string; place: string }[],
  report: Report,
): ReadAsset[] {
  const assigned = new Map<string, { addresses: string[]; names: string[] }>();
  const assets = new Map<string, ReadAsset>();
  const add = (asset: ReadAsset | null) => {
    if (asset) assets.set(asset.id, asset);
  };
  for (const { values, source, place } of addresses) {
    const address = textOf(values.address);
    const status = choiceOf(values.status);
    const role = choiceOf(values.role);
    if (address === undefined) report({ source, message: 'has no address', place });
    if (address === undefined || status === 'deprecated') continue;
    const name = textOf(values.dns_name);
    const owner = ownerOf(values);
    if (SHARED_ROLES.has(role ?? '')) {
      // It moves between machines, so it is none of them and known all the same.
      const id = `ip-address:${textOf(values.id) ?? address}`;
      const tags = [`role:${role}`, ...tagsOf(values)];
      add(
        toAsset({ id, name, addresses: [address], tags, owner, at: place }, (m) =>
          report({ source, message: m, place }),
        ),
      );
      continue;
    }
    for (const key of holdersOf(values)) {
      const joined = getOrMake(assigned, key, () => ({ addresses: [], names: [] }));
      joined.addresses.push(address);
      if (name) joined.names.push(name);
    }
  }
  for (const { kind, values, source, place } of machines) {
    const id = `${kind}:${textOf(values.id) ?? textOf(values.name) ?? place}`;
    const joined = assigned.get(id);
    const primary = [values.primary_ip, values.primary_ip4, values.primary_ip6, values.oob_ip].map(addressOf);
    const all = [...primary, ...(joined?.addresses ?? [])].filter((address) => address !== undefined);
    const custom = mapOf(values.custom_fields);
    const named = (key: string, label = key) => {
      const slug = slugOf(values[key]);
      return slug === undefined ? [] : [`${label}:${slug}`];
    };
    const asset = toAsset(
      {
        id,
        name: textOf(values.name) ?? textOf(values.display),
        names: [...(joined?.names ?? []), ...primaryNames(values)],
        addresses: all,
        tags: [
          ...tagsOf(values),
          ...(values.role ? named('role') : named('device_role', 'role')),
          ...['site', 'tenant', 'platform', 'cluster'].flatMap((key) => named(key)),
        ],
        zone: wordOf(pick(custom, ['zone', 'network_zone', 'security_zone'])) ?? slugOf(values.site),
        environment: wordOf(pick(custom, ['environment', 'env', 'stage'])),
        criticality: wordOf(pick(custom, ['criticality', 'business_criticality'])),
        owner: ownerOf(values),
        inactive: isInactive(choiceOf(values.status)),
        passive: kind === 'device' && all.length === 0,
        at: place,
      },
      (message) => report({ source, message, place }),
    );
    if (asset === null) report({ source, message: 'has neither a name nor an address', place });
    add(asset);
  }
  return [...assets.values()];
}

/** Roles of an address that several machines hold in turn (IPAddressRoleChoices). */
const SHARED_ROLES = new Set(['anycast', 'vip', 'vrrp', 'hsrp', 'glbp', 'carp']);

/** Objects of pages and lists, one level of names deep. */
function* objectsOf(document: unknown): Iterable<{ values: Values; place: string }> {
  const pages: [unknown, string][] = [[document, '']];
  for (const [page, at] of pages) {
    const { results } = mapOf(page);
    const list = Array.isArray(page) ? page : Array.isArray(results) ? results : null;
    const path = Array.isArray(page) ? at : `${at}/results`;
    if (list) {
      for (const [i, item] of list.entries()) {
        // Pages that somebody put into one list.
        if (Array.isArray(item) || Array.isArray(mapOf(item).results)) pages.push([item, `${path}/${i}`]);
        else yield { values: mapOf(item), place: `${path}/${i}` };
      }
    } else if (textOf(mapOf(page).id) !== undefined) yield { values: mapOf(page), place: at || '/' };
    else if (at === '')
      for (const [key, member] of Object.entries(mapOf(page))) {
        const isPage = Array.isArray(member) || Array.isArray(mapOf(member).results);
        if (isPage) pages.push([member, `/${key.slice(0, 60)}`]);
      }
  }
}

/** `other`: an object of NetBox that is no machine (an interface, a service); null: none of NetBox. */
function kindOf(values: Values): 'device' | 'vm' | 'address' | 'other' | null {
  const path = /\/api\/([\w-]+\/[\w-]+)\//.exec(textOf(values.url) ?? '')?.[1];
  if (path === 'dcim/devices') return 'device';
  if (path === 'virtualization/virtual-machines') return 'vm';
  if (path === 'ipam/ip-addresses') return 'address';
  if (path !== undefined) return 'other';
  if ('assigned_object_type' in values && 'address' in values) return 'address';
  if ('device_type' in values) return 'device';
  if ('primary_ip4' in values || ('cluster' in values && 'vcpus' in values)) return 'vm';
  return null;
}

/** Machines that an address is assigned to: by its interface (3.x, 4.x; `interface` until 2.8). */
function holdersOf(values: Values): string[] {
  const object = mapOf(values.assigned_object ?? values.interface);
  const device = textOf(mapOf(object.device).id);
  const vm = textOf(mapOf(object.virtual_machine).id);
  return [...(device === undefined ? [] : [`device:${device}`]), ...(vm === undefined ? [] : [`vm:${vm}`])];
}

function addressOf(value: unknown): string | undefined {
  return textOf(value) ?? textOf(mapOf(value).address);
}

function primaryNames(values: Values): (string | undefined)[] {
  return [values.primary_ip4, values.primary_ip6].map((value) => textOf(mapOf(value).dns_name));
}

/** A choice is `{value, label}`, a plain value in older exports. */
function choiceOf(value: unknown): string | undefined {
  return textOf(mapOf(value).value) ?? textOf(value);
}

function slugOf(value: unknown): string | undefined {
  const { slug, name } = mapOf(value);
  return textOf(slug) ?? textOf(name) ?? textOf(value);
}

/** A text, a choice, or an object of NetBox by its name. */
function wordOf(value: unknown): string | undefined {
  const { label, name, display } = mapOf(value);
  return textOf(label) ?? textOf(name) ?? textOf(display) ?? choiceOf(Array.isArray(value) ? value[0] : value);
}

/** `owner` is a field of its own from 4.5 on, a custom field before. A tenant is whom it belongs to, not who answers for it. */
function ownerOf(values: Values): string | undefined {
  const custom = mapOf(values.custom_fields);
  return (
    wordOf(values.owner) ?? wordOf(pick(custom, ['owner', 'technical_owner', 'service_owner', 'owner_team', 'team']))
  );
}

function tagsOf(values: Values): (string | undefined)[] {
  return listOf(values.tags).map(slugOf);
}
