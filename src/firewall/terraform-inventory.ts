import { EMPTY, isEmpty, union } from '../model/address-set.ts';
import { addStatements, NO_STATEMENTS, type RulePlace } from '../model/ruleset.ts';
import { aclEntry } from './aws-acl-entry.ts';
import { addressOfText, blockOfText, blocksOfTexts, setOf } from './aws-addresses.ts';
import type { AwsAcl, AwsGroup, AwsInterface, AwsInventory, AwsPeer, AwsReading } from './aws-inventory.ts';
import { readTraffic, trafficText, UNKNOWN_VALUE } from './aws-traffic.ts';
import {
  attributeOf,
  blocksOf,
  readTerraform,
  type TerraformFile,
  type TerraformResource,
  textsOf,
} from './terraform-resources.ts';
import { listOf, mapOf, numberOf, shown, textOf, type Values } from './untrusted.ts';

type Direction = 'ingress' | 'egress';
const DIRECTIONS = ['ingress', 'egress'] as const;
const LATER = 'it is known after apply only';

/** Reads one file of `terraform show -json` into the inventory. */
export function readTerraformFile(name: string, document: Values, inventory: AwsInventory): AwsReading {
  const file = readTerraform(document);
  const reader = createReader(name, file, inventory);
  // What others refer to comes first.
  for (const resource of file.resources) reader.first(resource);
  for (const resource of file.resources) reader.second(resource);
  for (const resource of file.resources) reader.third(resource);
  inventory.interfacesPartial ??= `${file.isPlan ? 'the plan' : 'the state'} of Terraform knows only what it manages`;
  return reader.reading;
}

function createReader(name: string, file: TerraformFile, inventory: AwsInventory) {
  const at: RulePlace = { file: name };
  const reading: AwsReading = { statements: NO_STATEMENTS, notes: [], incomplete: null };
  /** Keys by id: resources are known by their address, and refer to each other by id once that is known. */
  const groupOfId = new Map<string, string>();
  const aclOfId = new Map<string, string>();
  const subnetOfId = new Map<string, string>();
  const interfaceOf = new Map<string, AwsInterface>();
  /** Interfaces that are resources of their own: an instance only mirrors them. */
  const separateInterfaces = new Set<string>();

  const count = (status: keyof typeof NO_STATEMENTS) => {
    reading.statements = addStatements(reading.statements, { ...NO_STATEMENTS, [status]: 1 });
  };
  const note = (status: 'unsupported' | 'unrecognised', text: string, reason: string) => {
    count(status);
    reading.notes.push({ status, text, reason, at, rule: null });
  };

  /** Key of the one resource that an argument means: by its id, or by the reference in the configuration. */
  function keyOf(resource: TerraformResource, argument: string, ids: ReadonlyMap<string, string>): string | null {
    const value = attributeOf(resource.values, resource.unknown, argument);
    if (value !== UNKNOWN_VALUE && textOf(value) !== null) return ids.get(textOf(value) ?? '') ?? textOf(value);
    const references = mapOf(resource.expressions?.[argument]).references;
    const [found, ...others] = file.resolve(resource.module, references) ?? [];
    return found && others.length === 0 ? found.address : null;
  }

  /** Keys of all resources that an argument lists; null: not certain. */
  function keysOf(resource: TerraformResource, argument: string, ids: ReadonlyMap<string, string>): string[] | null {
    const values = textsOf(resource.values, resource.unknown, argument);
    if (values !== UNKNOWN_VALUE) return values.map((id) => ids.get(id) ?? id);
    const references = mapOf(resource.expressions?.[argument]).references;
    return file.resolve(resource.module, references)?.map(({ address }) => address) ?? null;
  }

  function first(resource: TerraformResource): void {
    const { type, address, values, unknown } = resource;
    const id = textOf(attributeOf(values, unknown, 'id'));
    const idText = id ?? '';
    if (type === 'aws_security_group' || type === 'aws_default_security_group') {
      inventory.given.groups = true;
      if (id !== null) groupOfId.set(idText, address);
      const group: AwsGroup = {
        key: address,
        name: address,
        vpc: textOf(attributeOf(values, unknown, 'vpc_id')),
        owner: textOf(attributeOf(values, unknown, 'owner_id')),
        permissions: [],
        more: { ingress: null, egress: null },
        at,
      };
      inventory.groups.set(address, group);
    } else if (type === 'aws_network_acl' || type === 'aws_default_network_acl') {
      inventory.given.acls = true;
      inventory.aclsPartial ??= 'Terraform knows only the network ACLs that it manages';
      if (id !== null) aclOfId.set(idText, address);
      const acl: AwsAcl = {
        key: address,
        name: address,
        vpc: textOf(attributeOf(values, unknown, 'vpc_id')),
        isDefault: type === 'aws_default_network_acl',
        subnets: new Set(),
        entries: [],
        doubt: null,
        at,
      };
      inventory.acls.set(address, acl);
    } else if (type === 'aws_subnet' || type === 'aws_default_subnet') {
      if (id !== null) subnetOfId.set(idText, address);
      const blocks = ['cidr_block', 'ipv6_cidr_block'].map((key) => attributeOf(values, unknown, key));
      const vpc = textOf(attributeOf(values, unknown, 'vpc_id'));
      inventory.subnets.set(address, { key: address, vpc, addresses: blocksOfTexts(blocks) });
    } else if (type === 'aws_network_interface') {
      separateInterfaces.add(address);
      if (id !== null) separateInterfaces.add(id);
    } else if (type === 'aws_ec2_managed_prefix_list') {
      const entries = blocksOf(values, unknown, 'entry');
      const cidrs = entries === UNKNOWN_VALUE ? [] : entries.map((entry) => entry.values.cidr);
      const partial = entries === UNKNOWN_VALUE ? LATER : null;
      const list = { name: textOf(values.name), entries: blocksOfTexts(cidrs), partial };
      inventory.prefixLists.set(address, list);
      if (id !== null) inventory.prefixLists.set(idText, list);
    }
  }

  function second(resource: TerraformResource): void {
    switch (resource.type) {
      case 'aws_security_group':
      case 'aws_default_security_group':
        inlineRules(resource);
        return;
      case 'aws_network_acl':
      case 'aws_default_network_acl':
        acl(resource);
        return;
      case 'aws_network_interface':
        networkInterface(resource);
        return;
      case 'aws_instance':
      case 'aws_spot_instance_request':
        instance(resource);
        return;
    }
  }

  /** What adds to others. */
  function third(resource: TerraformResource): void {
    switch (resource.type) {
      case 'aws_security_group':
      case 'aws_default_security_group':
      case 'aws_network_acl':
      case 'aws_default_network_acl':
        return;
      case 'aws_security_group_rule':
        separateRule(resource, attributeOf(resource.values, resource.unknown, 'type') as Direction, 'protocol');
        return;
      case 'aws_vpc_security_group_ingress_rule':
        separateRule(resource, 'ingress', 'ip_protocol');
        return;
      case 'aws_vpc_security_group_egress_rule':
        separateRule(resource, 'egress', 'ip_protocol');
        return;
      case 'aws_network_acl_rule':
        aclRule(resource);
        return;
      case 'aws_network_acl_association':
        aclAssociation(resource);
        return;
      case 'aws_network_interface_sg_attachment':
        groupAttachment(resource);
        return;
      case 'aws_eip':
      case 'aws_eip_association':
        elasticAddress(resource);
        return;
      case 'aws_ec2_managed_prefix_list_entry':
        prefixListEntry(resource);
        return;
      default:
        count('irrelevant');
        return;
    }
  }

  /** Rules in the blocks of the group itself. */
  function inlineRules(resource: TerraformResource): void {
    const group = inventory.groups.get(resource.address);
    if (!group) return;
    for (const direction of DIRECTIONS) {
      const blocks = blocksOf(resource.values, resource.unknown, direction);
      const written = resource.expressions?.[direction];
      // Without such blocks in the configuration the attribute only mirrors what the group was seen to have.
      const isMirror = resource.expressions !== null && written === undefined;
      if (blocks === UNKNOWN_VALUE) {
        if (isMirror) continue;
        group.more[direction] = `${direction} of ${group.key}: ${LATER}`;
        note('unsupported', `${group.key} ${direction}`, LATER);
        continue;
      }
      const doubt =
        isMirror && blocks.length > 0 && file.isPlan
          ? 'the permission is in the state, not in the configuration'
          : null;
      for (const block of blocks) {
        const peers = inlinePeers(resource, group, block.values, block.unknown, written);
        addPermissions(group, direction, block.values, block.unknown, 'protocol', peers, doubt);
      }
    }
  }

  function* inlinePeers(
    resource: TerraformResource,
    group: AwsGroup,
    values: Values,
    unknown: unknown,
    written: unknown,
  ): Iterable<{ peer: AwsPeer; name: string }> {
    yield* listPeers(values, unknown);
    const groups = textsOf(values, unknown, 'security_groups');
    if (groups === UNKNOWN_VALUE) yield* referredGroups(resource, values, written);
    else for (const id of groups) yield groupPeer(groupOfId.get(id) ?? id);
    if (attributeOf(values, unknown, 'self') === true) yield groupPeer(group.key);
  }

  /** Groups whose ids are not known yet: those that the block of the configuration with these ports refers to. */
  function* referredGroups(resource: TerraformResource, values: Values, written: unknown) {
    const same = listOf(written)
      .map(mapOf)
      .filter((block) =>
        ['from_port', 'to_port', 'protocol'].every((key) => {
          const constant = mapOf(block[key]).constant_value;
          return constant === undefined ? false : String(constant) === String(values[key]);
        }),
      );
    const [block, ...others] = same;
    const references = others.length === 0 ? mapOf(block?.security_groups).references : undefined;
    const found = file.resolve(resource.module, references);
    if (found === null) yield { peer: unknownPeer(LATER), name: 'groups known after apply' };
    else for (const { address } of found) yield groupPeer(address);
  }

  function* listPeers(values: Values, unknown: unknown): Iterable<{ peer: AwsPeer; name: string }> {
    for (const key of ['cidr_blocks', 'ipv6_cidr_blocks'] as const) {
      const blocks = textsOf(values, unknown, key);
      if (blocks === UNKNOWN_VALUE) yield { peer: unknownPeer(LATER), name: `${key} known after apply` };
      else for (const text of blocks) yield blockPeer(text);
    }
    const lists = textsOf(values, unknown, 'prefix_list_ids');
    if (lists === UNKNOWN_VALUE) yield { peer: unknownPeer(LATER), name: 'prefix lists known after apply' };
    else for (const id of lists) yield { peer: { kind: 'prefix-list', id }, name: id };
  }

  function separateRule(resource: TerraformResource, direction: Direction, protocolKey: string): void {
    const { values, unknown, address } = resource;
    if (direction !== 'ingress' && direction !== 'egress') {
      note('unrecognised', address, 'its type is neither ingress nor egress');
      return;
    }
    const key = keyOf(resource, 'security_group_id', groupOfId);
    const group = key === null ? undefined : inventory.groups.get(key);
    if (group === undefined) {
      const reason = key === null ? 'which security group it is of is known after apply only' : null;
      // A group that Terraform does not manage is in nothing that is asked here.
      if (reason === null) {
        count('irrelevant');
        return;
      }
      for (const one of inventory.groups.values()) one.more[direction] ??= `${address}: ${reason}`;
      note('unsupported', address, reason);
      return;
    }
    addPermissions(group, direction, values, unknown, protocolKey, separatePeers(resource, group), null);
  }

  function* separatePeers(resource: TerraformResource, group: AwsGroup): Iterable<{ peer: AwsPeer; name: string }> {
    const { values, unknown } = resource;
    yield* listPeers(values, unknown);
    for (const key of ['cidr_ipv4', 'cidr_ipv6'] as const) {
      const block = attributeOf(values, unknown, key);
      if (block === UNKNOWN_VALUE) yield { peer: unknownPeer(LATER), name: `${key} known after apply` };
      else if (textOf(block) !== null) yield blockPeer(block);
    }
    const list = attributeOf(values, unknown, 'prefix_list_id');
    if (list === UNKNOWN_VALUE) {
      const key = keyOf(resource, 'prefix_list_id', new Map());
      const isListed = key !== null && inventory.prefixLists.has(key);
      const peer: AwsPeer = isListed ? { kind: 'prefix-list', id: key } : unknownPeer(LATER);
      yield { peer, name: key ?? 'a prefix list known after apply' };
    } else if (textOf(list) !== null) {
      const id = textOf(list) ?? '';
      yield { peer: { kind: 'prefix-list', id }, name: id };
    }
    if (attributeOf(values, unknown, 'self') === true) yield groupPeer(group.key);
    for (const argument of ['source_security_group_id', 'referenced_security_group_id'] as const) {
      const value = attributeOf(values, unknown, argument);
      if (value === null || value === undefined) continue;
      // Set by AWS itself where the rule names a block instead.
      if (value === UNKNOWN_VALUE && resource.expressions !== null && !(argument in resource.expressions)) continue;
      const key = keyOf(resource, argument, groupOfId);
      if (key === null) yield { peer: unknownPeer(LATER), name: 'a group known after apply' };
      else yield groupPeer(key);
    }
  }

  function groupPeer(key: string): { peer: AwsPeer; name: string } {
    // `account/sg-1` is how a group of a peered VPC is written.
    const foreign = key.includes('/') ? `it belongs to account ${key.split('/')[0]}` : null;
    return { peer: { kind: 'group', key, foreign }, name: key };
  }

  function blockPeer(value: unknown): { peer: AwsPeer; name: string } {
    const block = blockOfText(value);
    if (block) return { peer: { kind: 'addresses', set: block.set }, name: block.text };
    return { peer: unknownPeer(`${shown(value)} is not a CIDR`), name: shown(value) };
  }

  function addPermissions(
    group: AwsGroup,
    direction: Direction,
    values: Values,
    unknown: unknown,
    protocolKey: string,
    peers: Iterable<{ peer: AwsPeer; name: string }>,
    doubt: string | null,
  ): void {
    const from = attributeOf(values, unknown, 'from_port');
    const to = attributeOf(values, unknown, 'to_port');
    const traffic = readTraffic(attributeOf(values, unknown, protocolKey), from, to);
    if (typeof traffic === 'string') {
      group.more[direction] = `a permission of ${group.key} is not understood: ${traffic}`;
      note('unrecognised', `${group.key} ${direction}`, traffic);
      return;
    }
    let counted = false;
    for (const { peer, name: peerName } of peers) {
      counted = true;
      const word = direction === 'ingress' ? 'from' : 'to';
      const text = `${group.key} ${direction} ${trafficText(traffic)} ${word} ${peerName}`;
      const comment = textOf(values.description);
      group.permissions.push({ ...traffic, direction, peer, text, comment, at, doubt });
      const later = [traffic.protocol, traffic.ports].some(
        (part) => part !== null && typeof part === 'object' && 'kind' in part,
      );
      if (peer.kind === 'unknown') note('unsupported', text, peer.reason);
      else if (later) note('unsupported', text, `its protocol or ports: ${LATER}`);
      else if (doubt !== null) note('unsupported', text, doubt);
      else count(traffic.icmpType ? 'irrelevant' : 'modelled');
    }
    // A permission without any source lets nobody in.
    if (!counted) count('modelled');
  }

  function acl(resource: TerraformResource): void {
    const { values, unknown, expressions, address } = resource;
    const found = inventory.acls.get(address);
    if (!found) return;
    const subnets = keysOf(resource, 'subnet_ids', subnetOfId);
    if (subnets !== null) for (const subnet of subnets) found.subnets.add(subnet);
    else if (expressions === null || 'subnet_ids' in expressions)
      note('unsupported', `${address} subnet_ids`, 'which subnets have it is known after apply only');
    for (const direction of DIRECTIONS) {
      const blocks = blocksOf(values, unknown, direction);
      if (blocks === UNKNOWN_VALUE) {
        if (expressions !== null && !(direction in expressions)) continue;
        found.doubt = `${direction} of ${address}: ${LATER}`;
        note('unsupported', `${address} ${direction}`, LATER);
        continue;
      }
      for (const block of blocks) {
        const v = (key: string) => attributeOf(block.values, block.unknown, key);
        addEntry(found, direction === 'egress', v('rule_no'), v('action'), v);
      }
    }
  }

  function aclRule(resource: TerraformResource): void {
    const key = keyOf(resource, 'network_acl_id', aclOfId);
    const found = key === null ? undefined : inventory.acls.get(key);
    if (!found) {
      if (key !== null) {
        count('irrelevant');
        return;
      }
      const reason = 'which network ACL it is of is known after apply only';
      for (const one of inventory.acls.values()) one.doubt ??= `${resource.address}: ${reason}`;
      note('unsupported', resource.address, reason);
      return;
    }
    const v = (name: string) => attributeOf(resource.values, resource.unknown, name);
    addEntry(found, v('egress') === true, v('rule_number'), v('rule_action'), v);
  }

  function addEntry(
    found: AwsAcl,
    egress: boolean,
    number: unknown,
    action: unknown,
    value: (argument: string) => unknown,
  ): void {
    const rule = numberOf(number, 1, 32768);
    const isIcmp = ['1', '58', 'icmp', 'icmpv6'].includes(textOf(value('protocol'))?.toLowerCase() ?? '');
    const [from, to] = isIcmp ? ['icmp_type', 'icmp_type'] : ['from_port', 'to_port'];
    const traffic = readTraffic(value('protocol'), value(from as string), value(to as string));
    const [ipv4, ipv6] = [value('cidr_block'), value('ipv6_cidr_block')];
    const verb = textOf(action)?.toLowerCase();
    const written = textOf(ipv4) !== null ? ipv4 : ipv6;
    const block = written === UNKNOWN_VALUE || ipv4 === UNKNOWN_VALUE ? null : blockOfText(written);
    if (rule === null || typeof traffic === 'string' || block === null || (verb !== 'allow' && verb !== 'deny')) {
      const isLater = [number, action, ipv4, ipv6].includes(UNKNOWN_VALUE);
      const reason = isLater ? LATER : typeof traffic === 'string' ? traffic : 'its number, action or block is none';
      found.doubt = `an entry of ${found.key}: ${reason}`;
      note(
        isLater ? 'unsupported' : 'unrecognised',
        `${found.key} entry ${shown(typeof number === 'symbol' ? '?' : number)}`,
        reason,
      );
      return;
    }
    const entry = aclEntry(found.key, rule, egress, verb === 'allow', traffic, block, at);
    // The same entry in the state of the ACL and as a resource of its own.
    if (found.entries.some((other) => other.text === entry.text)) {
      count('irrelevant');
      return;
    }
    found.entries.push(entry);
    count(traffic.icmpType ? 'irrelevant' : 'modelled');
  }

  function aclAssociation(resource: TerraformResource): void {
    const key = keyOf(resource, 'network_acl_id', aclOfId);
    const subnet = keyOf(resource, 'subnet_id', subnetOfId);
    const found = key === null ? undefined : inventory.acls.get(key);
    if (found && subnet !== null) {
      found.subnets.add(subnet);
      count('modelled');
      return;
    }
    note('unsupported', resource.address, 'which network ACL and subnet it joins is not known');
  }

  function networkInterface(resource: TerraformResource): void {
    const { values, unknown, address } = resource;
    const own = ['private_ips', 'ipv6_addresses', 'ipv4_prefixes', 'ipv6_prefixes'].flatMap((key) => {
      const texts = textsOf(values, unknown, key);
      return texts === UNKNOWN_VALUE ? [] : texts;
    });
    own.push(...[textOf(attributeOf(values, unknown, 'private_ip'))].filter((text) => text !== null));
    addInterface(resource, address, own, keysOf(resource, 'security_groups', groupOfId), []);
  }

  function instance(resource: TerraformResource): void {
    const { values, unknown, address } = resource;
    const primary = keyOf(resource, 'primary_network_interface_id', new Map());
    // Its interface is a resource of its own.
    if (primary !== null && separateInterfaces.has(primary)) return;
    const own: unknown[] = [attributeOf(values, unknown, 'private_ip')];
    for (const key of ['secondary_private_ips', 'ipv6_addresses']) {
      const texts = textsOf(values, unknown, key);
      if (texts !== UNKNOWN_VALUE) own.push(...texts);
    }
    const seenAs = addressOfText(attributeOf(values, unknown, 'public_ip'));
    const local = addressOfText(attributeOf(values, unknown, 'private_ip'));
    const published = seenAs === null ? [] : [{ seenAs, local }];
    addInterface(resource, address, own, keysOf(resource, 'vpc_security_group_ids', groupOfId), published);
  }

  function addInterface(
    resource: TerraformResource,
    key: string,
    own: readonly unknown[],
    groups: readonly string[] | null,
    published: AwsInterface['published'],
  ): void {
    const { values, unknown } = resource;
    const subnet = keyOf(resource, 'subnet_id', subnetOfId);
    const one: AwsInterface = {
      key,
      title: key,
      machine: key,
      vpc: (subnet === null ? undefined : inventory.subnets.get(subnet))?.vpc ?? null,
      subnet,
      groups: new Set(groups ?? []),
      groupsDoubt: groups === null ? `the groups of ${key}: ${LATER}` : null,
      addresses: blocksOfTexts(own),
      published: [...published],
    };
    inventory.interfaces.set(key, one);
    const id = textOf(attributeOf(values, unknown, 'id'));
    interfaceOf.set(key, one);
    if (id !== null) interfaceOf.set(id, one);
  }

  function groupAttachment(resource: TerraformResource): void {
    const group = keyOf(resource, 'security_group_id', groupOfId);
    const key = keyOf(resource, 'network_interface_id', new Map());
    const one = key === null ? undefined : interfaceOf.get(key);
    if (one && group !== null) {
      one.groups.add(group);
      count('modelled');
      return;
    }
    const reason = 'which interface gets which group is not known';
    for (const other of inventory.interfaces.values()) other.groupsDoubt ??= `${resource.address}: ${reason}`;
    note('unsupported', resource.address, reason);
  }

  function elasticAddress(resource: TerraformResource): void {
    const { values, unknown } = resource;
    count('irrelevant');
    const seenAs = addressOfText(attributeOf(values, unknown, 'public_ip'));
    if (seenAs === null) return;
    const target = ['network_interface_id', 'network_interface', 'instance_id', 'instance']
      .map((argument) => keyOf(resource, argument, new Map()))
      .find((key) => key !== null && interfaceOf.has(key));
    const one = interfaceOf.get(target ?? '');
    if (!one) return;
    const local = addressOfText(
      attributeOf(values, unknown, 'private_ip') ?? attributeOf(values, unknown, 'private_ip_address'),
    );
    if (!one.published.some((other) => other.seenAs.value === seenAs.value)) one.published.push({ seenAs, local });
    if (local !== null && isEmpty(one.addresses)) one.addresses = setOf(local);
  }

  function prefixListEntry(resource: TerraformResource): void {
    const key = keyOf(resource, 'prefix_list_id', new Map());
    const list = key === null ? undefined : inventory.prefixLists.get(key);
    const block = blockOfText(attributeOf(resource.values, resource.unknown, 'cidr'));
    if (!list || block === null) {
      note('unsupported', resource.address, 'its prefix list or block is not known');
      return;
    }
    list.entries = union(list.entries ?? EMPTY, block.set);
    count('modelled');
  }

  return { reading, first, second, third };
}

function unknownPeer(reason: string): AwsPeer {
  return { kind: 'unknown', reason };
}
