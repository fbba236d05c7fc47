import type { Transport } from '../model/endpoint.ts';
import type { HostFacts, UnnamedObservation } from '../model/observation.ts';
import { compareText } from '../util/compare.ts';
import { type AnsibleHost, ansibleHosts } from './ansible-output.ts';
import type { ImportFormat, ImportHead, ImportOptions } from './import-format.ts';
import { asArray, asObject, portOf, textOf, wholeOf } from './json-fields.ts';
import { readSocketAddress } from './socket-address.ts';
import { type ListingBuilder, newListing } from './socket-listing.ts';
import { namedHost } from './text-listing.ts';

/**
 * `tcp_listen` and `udp_listen` of Ansible's module community.general.listen_ports_facts: output of `ansible -m`, files of
 * `--tree` and of a fact cache, and the json callback. It runs `ss -lntup` or `netstat` of the host.
 */
export const ansibleFacts: ImportFormat = {
  name: 'ansible-facts',
  title: 'Ansible listen_ports_facts (ansible -m output, --tree, fact cache, json callback)',
  detect,
  read,
};

function detect({ text }: ImportHead): boolean {
  return /"(?:tcp|udp)_listen"\s*:/.test(text);
}

async function* read(input: AsyncIterable<Uint8Array>, options: ImportOptions): AsyncGenerator<UnnamedObservation> {
  for await (const host of ansibleHosts(input, options)) {
    const observation = observe(host, options);
    if (observation) yield observation;
  }
}

function observe({ name, facts, place, isCut }: AnsibleHost, options: ImportOptions): UnnamedObservation | null {
  const lists = { tcp: asArray(facts.tcp_listen), udp: asArray(facts.udp_listen) };
  if (!lists.tcp && !lists.udp) {
    options.report({
      place,
      message: 'there is neither tcp_listen nor udp_listen here; run the module listen_ports_facts',
    });
    return null;
  }
  const listing = newListing(
    { format: 'ansible-facts', host: hostOf(name, facts, options), observedAt: options.observedAt },
    options.report,
  );
  for (const transport of ['tcp', 'udp'] as const) {
    const list = lists[transport];
    if (!list) continue;
    // The module asks for both at once, so an empty list is one that was looked at.
    listing.listed(transport);
    for (const [i, item] of list.entries()) addItem(listing, transport, item, `${place}, ${transport}_listen ${i + 1}`);
  }
  return listing.finish({ partial: isCut });
}

/** The inventory's name of the host leads, since people know it by that; what the host calls itself stands beside it. */
function hostOf(name: string | null, facts: AnsibleHost['facts'], options: ImportOptions): HostFacts {
  const own = [facts.ansible_fqdn, facts.ansible_hostname, facts.ansible_nodename].flatMap((n) => textOf(n) ?? []);
  const called = name ?? options.host ?? own[0];
  if (called === undefined) return namedHost(options, 'ansible-facts');
  const addresses = [facts.ansible_all_ipv4_addresses, facts.ansible_all_ipv6_addresses]
    .flatMap((list) => asArray(list) ?? [])
    .flatMap((text) => readSocketAddress(textOf(text) ?? '', null)?.address ?? [])
    .filter((address) => !address.startsWith('127.') && address !== '::1');
  const names = [...new Set(own)].filter((n) => n !== called && n !== 'localhost').sort(compareText);
  const machineId = textOf(facts.ansible_machine_id);
  return {
    name: called,
    ...(machineId !== undefined && /^[0-9a-f]{32}$/.test(machineId) && { machineId }),
    addresses: [...new Set(addresses)].sort(compareText),
    tags: [],
    ...(names.length > 0 && { names }),
  };
}

function addItem(listing: ListingBuilder, transport: Transport, item: unknown, place: string): void {
  const fields = asObject(item);
  if (!fields) {
    listing.unreadable(transport, { place, message: 'this is no socket as the module lists them' });
    return;
  }
  // With include_non_listening connections are among them.
  const state = textOf(fields.state)?.toUpperCase();
  if (state !== undefined && !(transport === 'tcp' ? state.startsWith('LISTEN') : /^UN?CONN$/.test(state))) return;
  const port = portOf(fields.port);
  const text = textOf(fields.address) ?? '';
  // ss prints `*` for a socket of both families.
  const address = readSocketAddress(text.startsWith('*') ? '::' : text, null);
  if (port === undefined || !address) {
    listing.unreadable(transport, { place, message: 'its address or port cannot be read' });
    return;
  }
  const pid = wholeOf(fields.pid);
  const name = textOf(fields.name);
  const user = textOf(fields.user);
  const owner = user === undefined ? {} : /^\d+$/.test(user) ? { uid: Number(user) } : { user };
  const processes = pid === undefined || pid === 0 ? [] : [{ pid, ...(name !== undefined && { name }), ...owner }];
  listing.add({ transport, port, ...address, processes });
}
