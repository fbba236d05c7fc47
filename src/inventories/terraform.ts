import { getOrMake } from '../util/get-or-make.ts';
import { isInactive, problemList, toAsset } from './asset-fields.ts';
import type { AssetFormat, AssetReading, ReadAsset } from './asset-format.ts';
import { readJson } from './json-document.ts';
import { MACHINES, type Machine } from './terraform-machines.ts';
import { listOf, mapOf, pick, textOf, textsOf, type Values } from './values.ts';

/** A resource of a state. */
interface Resource {
  readonly type: string;
  /** `module.db.aws_instance.pg[0]`. */
  readonly address: string;
  readonly values: Values;
}

/**
 * A Terraform or OpenTofu state: `terraform.tfstate` of version 4, or `terraform show -json` of a state
 * (developer.hashicorp.com/terraform/internals/json-format). Only machines, and of them only names, addresses and tags:
 * a state holds secrets.
 */
export const terraform: AssetFormat = {
  name: 'terraform',
  title: 'Terraform state (terraform.tfstate, or terraform show -json)',
  detect: ({ text }) => /^\s*\{/.test(text) && /"terraform_version"\s*:/.test(text),
  read(files): AssetReading {
    const { problems, report } = problemList();
    const assets = new Map<string, ReadAsset>();
    for (const { source, text } of files) {
      const { value, problem } = readJson(text);
      if (problem) report({ source, ...problem });
      const document = mapOf(value);
      if (document.version !== undefined && document.version !== 4) {
        const message = `is a state of version ${textOf(document.version)}; version 4 (Terraform 0.12 or newer) was expected`;
        report({ source, message });
        continue;
      }
      const state = document.values ?? (document.planned_values ? mapOf(document.prior_state).values : undefined);
      if (!Array.isArray(document.resources) && state === undefined && !problem)
        report({
          source,
          message: 'has no resources: expected a state of version 4, or terraform show -json of a state',
        });
      const resources = [...resourcesOfState(document), ...resourcesOf(mapOf(mapOf(state).root_module))];
      const nics = addressesById(resources);
      for (const { type, address, values } of resources) {
        const read = Object.hasOwn(MACHINES, type) ? MACHINES[type] : undefined;
        if (!read) continue;
        const id = files.length > 1 ? `${source}#${address}` : address;
        const asset = toAsset(writtenOf(read(values, nics), values, { id, address }), (message) =>
          report({ source, message, place: address }),
        );
        if (asset) assets.set(id, asset);
        else report({ source, message: 'has neither a name nor an address', place: address });
      }
    }
    return { assets: [...assets.values()], problems };
  },
};

function writtenOf(machine: Machine, values: Values, { id, address }: { id: string; address: string }) {
  const labels = {
    ...mapOf(values.tags_all),
    ...mapOf(values.tags),
    ...mapOf(values.labels),
    ...mapOf(values.metadata),
  };
  const word = (keys: readonly string[]) => textOf(pick(labels, keys));
  const plain = Array.isArray(values.tags) ? textsOf(values.tags) : [];
  return {
    id,
    name: textOf(labels.Name) ?? textOf(machine.name),
    names: [textOf(machine.name), ...machine.names.map(textOf)],
    addresses: machine.addresses.map(textOf),
    tags: [
      ...plain,
      ...Object.entries(labels).flatMap(([key, value]) => (key === 'Name' ? [] : [`${key}:${textOf(value) ?? ''}`])),
    ],
    zone: word(['zone', 'network_zone']) ?? textOf(values.availability_zone) ?? textOf(values.zone),
    environment: word(['environment', 'env', 'stage']),
    criticality: word(['criticality']),
    owner: word(['owner', 'team', 'owned_by', 'owned-by', 'ownedby']),
    inactive: isInactive(textOf(machine.status)),
    at: address,
  };
}

/** Of `terraform.tfstate`, version 4. Data sources are what it only looked up. */
function* resourcesOfState(document: Values): Iterable<Resource> {
  for (const item of listOf(document.resources)) {
    const { mode, type, name, module, instances } = mapOf(item);
    if (mode === 'data') continue;
    for (const instance of listOf(instances)) {
      const { index_key: index, attributes } = mapOf(instance);
      const suffix = index === undefined || index === null ? '' : `[${JSON.stringify(index)}]`;
      const prefix = textOf(module) === undefined ? '' : `${textOf(module)}.`;
      const address = `${prefix}${textOf(type) ?? '?'}.${textOf(name) ?? '?'}${suffix}`.slice(0, 500);
      yield { type: textOf(type) ?? '', address, values: mapOf(attributes) };
    }
  }
}

/** Of `terraform show -json`, with child modules. */
function* resourcesOf(root: Values): Iterable<Resource> {
  const modules: Values[] = [root];
  for (const module of modules) {
    for (const item of listOf(module.resources)) {
      const { mode, type, address, values } = mapOf(item);
      if (mode !== 'data')
        yield { type: textOf(type) ?? '', address: (textOf(address) ?? '?').slice(0, 500), values: mapOf(values) };
    }
    for (const child of listOf(module.child_modules)) modules.push(mapOf(child));
  }
}

/** Addresses of network interfaces that are resources of their own, by id: Azure's machines only name them. */
function addressesById(resources: readonly Resource[]): ReadonlyMap<string, readonly unknown[]> {
  const byId = new Map<string, unknown[]>();
  const publicById = new Map<string, unknown>();
  for (const { type, values } of resources)
    if (type === 'azurerm_public_ip') publicById.set(textOf(values.id) ?? '', values.ip_address);
  for (const { type, values } of resources) {
    if (type !== 'azurerm_network_interface') continue;
    const addresses = getOrMake(byId, (textOf(values.id) ?? '').toLowerCase(), () => []);
    addresses.push(...listOf(values.private_ip_addresses), values.private_ip_address);
    for (const configuration of listOf(values.ip_configuration).map(mapOf))
      addresses.push(
        configuration.private_ip_address,
        publicById.get(textOf(configuration.public_ip_address_id) ?? ''),
      );
  }
  return byId;
}
