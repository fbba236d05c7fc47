import { isIP } from 'node:net';
import { type AnsibleHost, readAnsibleInventory } from './ansible.ts';
import { isInactive, problemList, toAsset } from './asset-fields.ts';
import type { AssetFormat, AssetReading, ReadAsset } from './asset-format.ts';

/** An Ansible inventory (INI, YAML, `ansible-inventory --list`): its groups are tags. */
export const ansibleAssets: AssetFormat = {
  name: 'ansible',
  title: 'Ansible inventory (INI, YAML, or ansible-inventory --list)',
  detect: ({ name, text }) =>
    /^(inventory|hosts)(\.(ini|ya?ml|json|cfg))?$/i.test(name) ||
    /"_meta"\s*:\s*\{\s*"hostvars"/.test(text) ||
    /^all:\s*(#.*)?\n\s+(hosts|children|vars):/m.test(text) ||
    /^\s*\[[^\]\s,]+\]\s*(#.*)?$/m.test(text) ||
    /^[^#\n]*\bansible_(host|user|port)=/m.test(text),
  read(files): AssetReading {
    const { problems, report } = problemList();
    const assets: ReadAsset[] = [];
    for (const { source, text } of files) {
      const read = readAnsibleInventory(text, source);
      for (const problem of read.problems) report({ source, ...problem });
      for (const host of read.hosts) {
        const id = files.length > 1 ? `${source}#${host.name}` : host.name;
        const at = host.line === undefined ? {} : { line: host.line };
        const asset = toAsset(writtenOf(host, id), (message) => report({ source, message, ...at }));
        if (asset) assets.push(asset);
      }
    }
    return { assets, problems };
  },
};

/** Variables that say where a host listens, beside `ansible_host`. */
const ADDRESS_VARS = [
  'ip',
  'ip_address',
  'private_ip',
  'public_ip',
  'access_ip',
  'ipv4',
  'ipv6',
  'ansible_default_ipv4',
];

function writtenOf(host: AnsibleHost, id: string) {
  const { name, groups, vars } = host;
  const places = [name, host.host, ...ADDRESS_VARS.map((key) => vars.get(key))].filter((text) => text !== undefined);
  const word = (...keys: string[]) => keys.map((key) => vars.get(key)).find((value) => value?.trim());
  return {
    id,
    name: isIP(name) ? word('inventory_hostname', 'hostname', 'fqdn') : name,
    names: [host.host, vars.get('fqdn'), vars.get('hostname')].filter((text) => text !== undefined && !isIP(text)),
    addresses: places.filter((text) => isIP(text.replace(/\/\d+$/, '')) !== 0),
    tags: groups,
    zone: word('zone', 'network_zone', 'site', 'datacenter'),
    environment: word('environment_name', 'env', 'environment', 'stage'),
    criticality: word('criticality'),
    owner: word('owner', 'team', 'technical_owner'),
    inactive: isInactive(word('status', 'state')),
    ...(host.line === undefined ? {} : { at: `line ${host.line}` }),
  };
}
