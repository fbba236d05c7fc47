import type { Address } from '../model/address.ts';
import { type AddressSet, EMPTY, has, toCidrs } from '../model/address-set.ts';
import { fromCidrs } from '../model/address-set-text.ts';
import type { AddressFamily } from '../model/listener.ts';
import { destinationsOf, hostAccess, isOfHost, LOOPBACK } from './demand.ts';
import { type HclBlock, hclBlock, hclString } from './hcl.ts';
import { fileNameOf, identifierOf, plainText, uniqueNames } from './safe-text.ts';
import type { ApprovedAccess, EnforceInput, EnforceOutput, EnforceTarget } from './target.ts';

/** Most rules that security groups of one network interface may hold together (Amazon VPC quotas). */
const MOST_RULES = 1000;
/** Rules that a security group may hold where nobody asked for more. */
const USUAL_RULES = 60;

const FAMILIES: readonly AddressFamily[] = ['ipv4', 'ipv6'];
/** Of link-local addresses a security group decides nothing. */
const NOT_OF_INTERFACE = fromCidrs(['169.254.0.0/16', 'fe80::/10']);
/** Addresses that the read-back's interface has: for documentation only (RFC 5737, RFC 3849). */
const ASKED: readonly Address[] = [
  { family: 'ipv4', value: 0xc000_0201 },
  { family: 'ipv6', value: (0x2001_0db8n << 96n) | 1n },
];

/** Rules of one direction for some blocks of one family. */
interface GroupRule {
  readonly label: string;
  readonly kind: 'ingress' | 'egress';
  readonly description: string;
  readonly family: AddressFamily;
  readonly cidrs: readonly string[];
  readonly protocol: string;
  /** null: all. */
  readonly ports: { readonly from: number; readonly to: number } | null;
}

/** A security group for a machine on AWS, with a rule for every entry and block. */
export const terraform: EnforceTarget = {
  id: 'terraform',
  title: 'Terraform: security groups of AWS',
  covers: isOfHost,
  closesRest: true,
  generate(input: EnforceInput): EnforceOutput {
    const label = identifierOf(input.host);
    const { rules, claimed, cannot } = groupRules(input, label);
    const count = rules.reduce((sum, rule) => sum + rule.cidrs.length, 0);
    if (count > MOST_RULES)
      cannot.push(
        `${count} rules are needed, and AWS allows ${MOST_RULES} for one network interface: name larger blocks.`,
      );
    if (input.mode !== 'enforce')
      cannot.push(`A security group lets in or keeps out: it cannot ${input.mode}. Use the mode enforce.`);
    const file = `${fileNameOf(input.host)}.tf`;
    return {
      files: [
        { path: file, text: hostFile(input, label, rules) },
        { path: 'quietdoor.tf', text: COMMON },
      ].sort((a, b) => (a.path < b.path ? -1 : 1)),
      readBack: [{ name: `${fileNameOf(input.host)}.json`, text: shownJson(input, label, rules) }],
      claims: [{ scope: 'host', addresses: ASKED, access: claimed }],
      cannot,
      howTo: [
        'Look: terraform plan, in a module that gives quietdoor_vpc_id',
        'Apply: terraform apply, then give the group to the machine; groups that it carries besides let in more',
        'Undo: take the group from the machine, then terraform destroy',
        'Rules of going out let out everything: the register is about who comes in.',
        ...(count > USUAL_RULES
          ? [`${count} rules: the quota "inbound rules per security group" is ${USUAL_RULES} where nobody raised it.`]
          : []),
        ...input.access
          .filter(({ scope }) => !isOfHost(scope))
          .map(
            ({ entry, scope }) =>
              `Kept out: entry ${entry} is about ${scope}. The group stands in front of published ports too, and lets in what is approved for the host itself only.`,
          ),
      ],
    };
  },
};

function groupRules(
  input: EnforceInput,
  label: string,
): { readonly rules: GroupRule[]; readonly claimed: ApprovedAccess[]; readonly cannot: string[] } {
  const unique = uniqueNames();
  const rules: GroupRule[] = [];
  const claimed: ApprovedAccess[] = [];
  const cannot: string[] = [];
  for (const access of hostAccess(input)) {
    const { entry, transport, ports, sources } = access;
    if (transport !== 'tcp' && transport !== 'udp') {
      cannot.push(`Entry ${entry} is about ${transport}: security groups know ports of TCP and UDP only.`);
      continue;
    }
    const families = familiesOf(access, input);
    if (typeof families === 'string') {
      cannot.push(families);
      continue;
    }
    const granted: AddressSet = {
      ipv4: families.includes('ipv4') ? sources.ipv4 : [],
      ipv6: families.includes('ipv6') ? sources.ipv6 : [],
    };
    claimed.push({ entry, transport, ports, addresses: null, scope: 'host', sources: granted, workload: {} });
    for (const { from, to } of ports)
      for (const family of families) {
        const cidrs = toCidrs({ ...EMPTY, [family]: sources[family] });
        if (cidrs.length === 0) continue;
        const port = from === to ? `${from}` : `${from}_${to}`;
        rules.push({
          ...{ kind: 'ingress', family, cidrs, protocol: transport, ports: { from, to } },
          label: unique(`${label}__${identifierOf(entry)}__${transport}_${port}_${family}`),
          description: `quietdoor: entry ${plainText(entry, 100)}`,
        });
      }
  }
  return {
    rules: [...rules, ...ESSENTIALS.map((rule) => ({ ...rule, label: `${label}__${rule.label}` }))],
    claimed,
    cannot,
  };
}

/** What every host needs: answers about the size of packets (RFC 1191, RFC 8201), and a way out. */
const ESSENTIALS: readonly GroupRule[] = [
  {
    ...{ label: 'path_mtu_ipv4', kind: 'ingress', description: 'quietdoor: fragmentation needed' },
    ...{ family: 'ipv4', cidrs: ['0.0.0.0/0'], protocol: 'icmp', ports: { from: 3, to: 4 } },
  },
  {
    ...{ label: 'path_mtu_ipv6', kind: 'ingress', description: 'quietdoor: packet too big' },
    ...{ family: 'ipv6', cidrs: ['::/0'], protocol: 'icmpv6', ports: { from: 2, to: 0 } },
  },
  {
    ...{ label: 'out_ipv4', kind: 'egress', description: 'quietdoor: going out is not restricted' },
    ...{ family: 'ipv4', cidrs: ['0.0.0.0/0'], protocol: '-1', ports: null },
  },
  {
    ...{ label: 'out_ipv6', kind: 'egress', description: 'quietdoor: going out is not restricted' },
    ...{ family: 'ipv6', cidrs: ['::/0'], protocol: '-1', ports: null },
  },
];

/**
 * Families in which an access may be let in at an interface, which cannot tell its addresses apart; or why that cannot
 * be said.
 */
function familiesOf(access: ApprovedAccess, input: EnforceInput): readonly AddressFamily[] | string {
  const destinations = destinationsOf(access);
  if (destinations === null) return FAMILIES;
  const known = (input.addresses ?? []).filter((a) => !has(LOOPBACK, a) && !has(NOT_OF_INTERFACE, a));
  if (known.length === 0)
    return `Entry ${access.entry} is for some addresses of ${input.host} only, and none of them is known: declare them in quietdoor.yaml, or scan the host.`;
  const families: AddressFamily[] = [];
  for (const family of FAMILIES) {
    const ofFamily = known.filter((address) => address.family === family);
    const inside = ofFamily.filter((address) => has(destinations, address));
    if (inside.length === 0) continue;
    if (inside.length < ofFamily.length)
      return `Entry ${access.entry} is for some addresses of ${input.host} only: a security group cannot tell them apart.`;
    families.push(family);
  }
  return families;
}

const COMMON = `# Generated by Quietdoor from the register of approved ports: change the register, not this file.

terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.0"
    }
  }
}

variable "quietdoor_vpc_id" {
  description = "VPC of the security groups"
  type        = string
}
`;

function hostFile(input: EnforceInput, label: string, rules: readonly GroupRule[]): string {
  const group: HclBlock = {
    head: `resource "aws_security_group" ${hclString(label)}`,
    attributes: [
      ['name', groupName(input.host)],
      ['description', groupDescription(input.host)],
      ['vpc_id', { ref: 'var.quietdoor_vpc_id' }],
      ['tags', { map: [['Name', groupName(input.host)]] }],
    ],
  };
  const output: HclBlock = {
    head: `output ${hclString(`quietdoor_${label}`)}`,
    attributes: [
      ['description', `Security group of ${plainText(input.host)}`],
      ['value', { ref: `aws_security_group.${label}.id` }],
    ],
  };
  const blocks = [group, ...rules.map((rule) => ruleBlock(label, rule)), output];
  return [
    '# Generated by Quietdoor from the register of approved ports: change the register, not this file.\n',
    ...blocks.map(hclBlock),
  ].join('\n');
}

function ruleBlock(group: string, rule: GroupRule): HclBlock {
  return {
    head: `resource "aws_vpc_security_group_${rule.kind}_rule" ${hclString(rule.label)}`,
    attributes: [
      ['for_each', { list: rule.cidrs }],
      ['security_group_id', { ref: `aws_security_group.${group}.id` }],
      ['description', rule.description],
      [`cidr_${rule.family}`, { ref: 'each.value' }],
      ['ip_protocol', rule.protocol],
      ...(rule.ports === null
        ? []
        : ([
            ['from_port', rule.ports.from],
            ['to_port', rule.ports.to],
          ] as const)),
    ],
  };
}

function groupName(host: string): string {
  return `quietdoor-${plainText(host, 200).replaceAll(/[^A-Za-z0-9._-]/g, '-')}`;
}

/** Never changes: AWS would replace the group by another one. */
function groupDescription(host: string): string {
  return `quietdoor: who may connect to ${plainText(host, 200)}`;
}

/** The same as `terraform show -json` prints it when it is applied and an interface carries the group. */
function shownJson(input: EnforceInput, label: string, rules: readonly GroupRule[]): string {
  const id = 'sg-00000000000000001';
  const vpc_id = 'vpc-00000000000000001';
  const resource = (type: string, name: string, values: Record<string, unknown>, index?: string) => ({
    address: `${type}.${name}${index === undefined ? '' : `[${JSON.stringify(index)}]`}`,
    ...{ mode: 'managed', type, name, ...(index !== undefined && { index }), schema_version: 0, values },
  });
  const resources = [
    resource('aws_security_group', label, {
      id,
      name: groupName(input.host),
      description: groupDescription(input.host),
      vpc_id,
    }),
    ...rules.flatMap((rule, n) =>
      rule.cidrs.map((cidr, i) =>
        resource(
          `aws_vpc_security_group_${rule.kind}_rule`,
          rule.label,
          {
            ...{
              id: `sgr-${n}-${i}`,
              security_group_id: id,
              description: rule.description,
              ip_protocol: rule.protocol,
            },
            ...{ cidr_ipv4: rule.family === 'ipv4' ? cidr : null, cidr_ipv6: rule.family === 'ipv6' ? cidr : null },
            ...{ from_port: rule.ports?.from ?? null, to_port: rule.ports?.to ?? null },
            ...{ prefix_list_id: null, referenced_security_group_id: null },
          },
          cidr,
        ),
      ),
    ),
    resource('aws_network_interface', label, {
      ...{ id: 'eni-00000000000000001', security_groups: [id], subnet_id: 'subnet-00000000000000001', attachment: [] },
      ...{ private_ip: '192.0.2.1', private_ips: ['192.0.2.1'], ipv6_addresses: ['2001:db8::1'] },
    }),
  ];
  return `${JSON.stringify({ format_version: '1.0', terraform_version: '1.11.4', values: { root_module: { resources } } })}\n`;
}
