import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseAddress } from '../model/address.ts';
import { toText } from '../model/address-set-text.ts';
import type { AddressBounds } from '../model/admission.ts';
import type { Ruleset } from '../model/ruleset.ts';
import { createEvaluator } from './evaluate.ts';
import { readRuleset } from './read.ts';

const FOLDER = join(import.meta.dirname, '..', '..', 'fixtures', 'firewall', 'aws');
const PREFIX_LIST = 'pl-0123456789abcdef0.json';
const WHOLE = ['security-groups.json', 'network-acls.json', 'network-interfaces.json', 'subnets.json', PREFIX_LIST];

const fixture = (name: string) => ({ name, text: readFileSync(join(FOLDER, name), 'utf8') });
const listing = (name: string, value: unknown) => ({ name, text: JSON.stringify(value) });

/** `LOWER` where both bounds are the same, else `LOWER .. UPPER`. */
function text({ lower, upper }: AddressBounds): string {
  const [a, b] = [toText(lower) || 'nobody', toText(upper) || 'nobody'];
  return a === b ? a : `${a} .. ${b}`;
}

function ask(ruleset: Ruleset, question: string) {
  const [, transport, port, address, scope = 'host'] =
    /^(tcp|udp)\/(\d+)(?: to ([0-9a-f.:]+))?(?: in (.+))?$/.exec(question) ?? [];
  return createEvaluator(ruleset).admission({
    transport: transport as 'tcp' | 'udp',
    port: Number(port),
    addresses: address ? [parseAddress(address) ?? assert.fail(address)] : null,
    iif: null,
    scope,
    view: 'client',
    explain: true,
  });
}

const CASES: { files: string[]; question: string; admitted: string; completes?: string }[] = [
  // The network ACL of the subnet denies a block before it allows the port, and keeps some answers in.
  {
    files: WHOLE,
    question: 'tcp/443 to 10.0.1.17',
    admitted: '0.0.0.0-198.51.99.255, 198.51.101.0-255.255.255.255',
    completes: '0.0.0.0-198.51.99.255, 198.51.101.0-203.0.113.127, 203.0.114.0-255.255.255.255',
  },
  // The same machine by its public address, its second private one and its IPv6 one (whose ACL lets nothing in but the subnet).
  {
    files: WHOLE,
    question: 'tcp/443 to 192.0.2.17',
    admitted: '0.0.0.0-198.51.99.255, 198.51.101.0-255.255.255.255',
    completes: '0.0.0.0-198.51.99.255, 198.51.101.0-203.0.113.127, 203.0.114.0-255.255.255.255',
  },
  { files: WHOLE, question: 'tcp/22 to 10.0.1.18', admitted: '203.0.113.0/24', completes: '203.0.113.0/25' },
  { files: WHOLE, question: 'tcp/443 to 2001:db8:1::17', admitted: '2001:db8:1::/64' },
  // A prefix list, where no network ACL narrows it.
  {
    files: ['security-groups.json', 'network-interfaces.json', PREFIX_LIST],
    question: 'tcp/22 to 10.0.1.17',
    admitted: '10.9.0.10, 10.9.0.12/31, 203.0.113.0/24',
  },
  {
    files: ['security-groups.json', 'network-interfaces.json', 'managed-prefix-lists.json'],
    question: 'tcp/22 to 10.0.1.17',
    admitted: '203.0.113.0/24 .. 0.0.0.0/0',
  },
  // A group of this VPC, whose members are known, and one of a peered VPC, whose members are not.
  { files: WHOLE, question: 'tcp/5432 to 10.0.2.40', admitted: '10.0.1.17-10.0.1.18, 10.0.2.40 .. 0.0.0.0/0' },
  { files: WHOLE, question: 'tcp/5433 to 10.0.2.40', admitted: '10.0.2.40' },
  // Instances alone do not say which other interfaces carry a group.
  {
    files: ['security-groups.json', 'instances.json'],
    question: 'tcp/443 to 192.0.2.17',
    admitted: '0.0.0.0/0',
  },
  {
    files: ['security-groups.json', 'instances.json'],
    question: 'tcp/5433 in sg:db',
    admitted: 'nobody .. 0.0.0.0/0, ::/0',
  },
  // Without the blocks of subnets, an address in one still bounds it.
  {
    files: ['security-groups.json', 'network-acls.json', 'network-interfaces.json'],
    question: 'tcp/22 to 10.0.1.17',
    admitted: '203.0.113.0/24 .. 10.0.0.0/16, 203.0.113.0/24',
  },
  // No interface is given: nothing is known of an address, and each group answers by itself.
  { files: ['security-groups.json'], question: 'tcp/443', admitted: 'nobody .. 0.0.0.0/0, ::/0' },
  { files: ['security-groups.json'], question: 'tcp/443 to 10.0.1.17', admitted: 'nobody .. 0.0.0.0/0' },
  { files: ['security-groups.json'], question: 'tcp/443 in sg:web', admitted: '0.0.0.0/0, ::/0' },
  { files: ['security-groups.json'], question: 'tcp/25 in sg:web', admitted: 'nobody' },
  // Interfaces without groups, and addresses that no interface has.
  { files: ['network-interfaces.json'], question: 'tcp/443 to 10.0.1.17', admitted: 'nobody .. 0.0.0.0/0' },
  {
    files: WHOLE,
    question: 'tcp/443 to 10.0.1.99',
    admitted: 'nobody .. 0.0.0.0-198.51.99.255, 198.51.101.0-255.255.255.255',
  },
  { files: WHOLE, question: 'tcp/443 to 172.31.0.1', admitted: 'nobody .. 0.0.0.0/0' },
  // Only network ACLs: what security groups do is not known of, and the ACL alone answers.
  {
    files: ['network-acls.json', 'subnets.json'],
    question: 'tcp/22 to 10.0.1.17',
    admitted: '10.0.1.0/24, 203.0.113.0/24',
    completes: '10.0.1.0/24, 203.0.113.0/25',
  },
  // A subnet that no network ACL names has the default one of its VPC.
  { files: ['network-acls.json', 'subnets.json'], question: 'udp/53 to 10.0.2.9', admitted: '0.0.0.0/0' },
  {
    files: ['network-acls.json'],
    question: 'tcp/443 in subnet:subnet-0web1',
    admitted: '0.0.0.0-198.51.99.255, 198.51.101.0-255.255.255.255',
  },
];

for (const { files, question, admitted, completes } of CASES)
  test(`${question}, from ${files.join(' ')}`, () => {
    const answer = ask(readRuleset(files.map(fixture)), question);
    assert.equal(text(answer.admitted), admitted);
    if (completes !== undefined) assert.equal(text(answer.completes), completes);
  });

test('names what each filter lets in, and the rule that decides', () => {
  const answer = ask(readRuleset(WHOLE.map(fixture)), 'tcp/22 to 10.0.1.17');
  assert.deepEqual(
    answer.layers.map(({ title, admitted }) => `${title}: ${text(admitted)}`),
    [
      'security group web of i-0web1, eni-0web1: 10.9.0.10, 10.9.0.12/31, 203.0.113.0/24',
      'network ACL public (acl-0aaa1) of subnet-0web1: 10.0.1.0/24, 203.0.113.0/24',
    ],
  );
  const accepting = answer.deciding.filter(({ verdict }) => verdict === 'accept').map(({ rule }) => rule.text);
  assert.deepEqual(accepting.sort(), [
    'acl-0aaa1 inbound 110 allow tcp/22 from 203.0.113.0/24',
    'sg-0aaa0000000000001 (web) ingress tcp/22 from 203.0.113.0/24',
  ]);
});

test('counts every permission and entry once', () => {
  const ruleset = readRuleset(WHOLE.map(fixture));
  const counts = new Map(ruleset.files.map(({ name, statements }) => [name, statements]));
  assert.deepEqual(counts.get('security-groups.json'), {
    modelled: 10,
    irrelevant: 0,
    unsupported: 1,
    unrecognised: 0,
  });
  assert.deepEqual(counts.get('network-acls.json'), { modelled: 13, irrelevant: 1, unsupported: 0, unrecognised: 0 });
  assert.deepEqual(
    ruleset.notes.map(({ status, reason }) => `${status}: ${reason}`),
    ['unsupported: not every interface with group sg-0fff0000000000009 is known: it belongs to another VPC, vpc-0f9'],
  );
  const ids = ruleset.layers.flatMap((layer) => layer.chains.flatMap((chain) => chain.rules.map(({ id }) => id)));
  assert.equal(new Set(ids).size, ids.length);
});

test('the order of the files does not matter', () => {
  const one = readRuleset(WHOLE.map(fixture));
  const other = readRuleset(WHOLE.toReversed().map(fixture));
  assert.deepEqual(
    other.layers.map(({ id }) => id),
    one.layers.map(({ id }) => id),
  );
  assert.equal(text(ask(other, 'tcp/22 to 10.0.1.17').admitted), '203.0.113.0/24');
});

const group = (id: string, permissions: unknown[], more: object = {}) => ({
  GroupId: id,
  GroupName: id,
  VpcId: 'vpc-1',
  OwnerId: '1',
  IpPermissions: permissions,
  IpPermissionsEgress: [],
  ...more,
});
const machine = (id: string, address: string, groups: string[], more: object = {}) => ({
  NetworkInterfaceId: id,
  VpcId: 'vpc-1',
  SubnetId: 'subnet-1',
  Groups: groups.map((GroupId) => ({ GroupId })),
  PrivateIpAddresses: [{ PrivateIpAddress: address }],
  ...more,
});
const allow = (port: number, cidr: string) => ({
  IpProtocol: 'tcp',
  FromPort: port,
  ToPort: port,
  IpRanges: [{ CidrIp: cidr }],
});

const TRAPS: { name: string; files: unknown[]; question: string; admitted: string; notes: string[] }[] = [
  {
    name: 'a group that is not in the listing may let anybody in',
    files: [
      { SecurityGroups: [group('sg-1', [allow(22, '10.0.0.0/8')])] },
      { NetworkInterfaces: [machine('eni-1', '10.0.0.1', ['sg-1', 'sg-2'])] },
    ],
    question: 'tcp/22 to 10.0.0.1',
    admitted: '10.0.0.0/8 .. 0.0.0.0/0',
    notes: [],
  },
  {
    name: 'a permission that is not understood may let anybody in',
    files: [
      { SecurityGroups: [group('sg-1', [allow(22, '10.0.0.0/8'), { IpProtocol: 'tcp', FromPort: 9, ToPort: 1 }])] },
      { NetworkInterfaces: [machine('eni-1', '10.0.0.1', ['sg-1'])] },
    ],
    question: 'tcp/22 to 10.0.0.1',
    admitted: '10.0.0.0/8 .. 0.0.0.0/0',
    notes: ['ports "9" to "1" are no range'],
  },
  {
    name: 'one page of interfaces leaves the members of groups open',
    files: [
      {
        SecurityGroups: [group('sg-1', [{ IpProtocol: '-1', UserIdGroupPairs: [{ GroupId: 'sg-1', UserId: '1' }] }])],
      },
      { NetworkInterfaces: [machine('eni-1', '10.0.0.1', ['sg-1'])], NextToken: 'abc' },
    ],
    question: 'tcp/22 to 10.0.0.1',
    admitted: '10.0.0.1 .. 0.0.0.0/0',
    notes: [
      'not every interface with group sg-1 is known: describe-network-interfaces is one page of several',
      'the listing is one page of several; give all of them',
    ],
  },
  {
    name: 'an address of two VPCs is undecided, and so are only the addresses that they share',
    files: [
      { SecurityGroups: [group('sg-1', [allow(22, '10.0.0.0/8')]), group('sg-2', [allow(22, '192.0.2.0/24')])] },
      {
        NetworkInterfaces: [
          machine('eni-1', '10.0.0.1', ['sg-1']),
          machine('eni-2', '10.0.0.1', ['sg-2'], { VpcId: 'vpc-2', SubnetId: 'subnet-2' }),
        ],
      },
    ],
    question: 'tcp/22 to 10.0.0.1',
    admitted: 'nobody .. 0.0.0.0/0',
    notes: [],
  },
  {
    name: 'a subnet of another VPC with the same block changes nothing, where every interface is given',
    files: [
      { SecurityGroups: [group('sg-1', [allow(22, '10.0.0.0/8')])] },
      { NetworkInterfaces: [machine('eni-1', '10.0.0.1', ['sg-1'])] },
      {
        Subnets: [
          { SubnetId: 'subnet-1', VpcId: 'vpc-1', CidrBlock: '10.0.0.0/24' },
          { SubnetId: 'subnet-2', VpcId: 'vpc-2', CidrBlock: '10.0.0.0/24' },
        ],
      },
      {
        NetworkAcls: ['1', '2'].map((n) => ({
          NetworkAclId: `acl-${n}`,
          VpcId: `vpc-${n}`,
          Associations: [{ SubnetId: `subnet-${n}` }],
          Entries: [{ RuleNumber: 1, Egress: false, RuleAction: 'allow', Protocol: '-1', CidrBlock: `10.${n}.0.0/16` }],
        })),
      },
    ],
    question: 'tcp/22 to 10.0.0.1',
    admitted: '10.0.0.0/24, 10.1.0.0/16',
    notes: [],
  },
  {
    name: 'a group listed twice is one of the two',
    files: [
      { SecurityGroups: [group('sg-1', [allow(22, '10.0.0.0/8')])] },
      { SecurityGroups: [group('sg-1', [allow(22, '192.0.2.0/24')])] },
      { NetworkInterfaces: [machine('eni-1', '10.0.0.1', ['sg-1'])] },
    ],
    question: 'tcp/22 to 10.0.0.1',
    admitted: 'nobody .. 0.0.0.0/0',
    notes: ['the group is listed more than once; permissions of both listings are possible'],
  },
  {
    name: 'an interface without groups (of a NAT gateway, say) is undecided',
    files: [{ SecurityGroups: [group('sg-1', [])] }, { NetworkInterfaces: [machine('eni-1', '10.0.0.1', [])] }],
    question: 'tcp/22 to 10.0.0.1',
    admitted: 'nobody .. 0.0.0.0/0',
    notes: [],
  },
  {
    name: 'protocols other than TCP and UDP have no ports, whatever is written',
    files: [
      {
        SecurityGroups: [
          group('sg-1', [{ IpProtocol: '50', FromPort: 22, ToPort: 22, IpRanges: [{ CidrIp: '0.0.0.0/0' }] }]),
        ],
      },
      { NetworkInterfaces: [machine('eni-1', '10.0.0.1', ['sg-1'])] },
    ],
    question: 'tcp/22 to 10.0.0.1',
    admitted: 'nobody',
    notes: [],
  },
  {
    name: 'an entry of a network ACL that is not understood leaves everything open',
    files: [
      {
        NetworkAcls: [
          {
            NetworkAclId: 'acl-1',
            VpcId: 'vpc-1',
            Associations: [{ SubnetId: 'subnet-1' }],
            Entries: [
              { RuleNumber: 100, Egress: false, RuleAction: 'allow', Protocol: '-1', CidrBlock: '0.0.0.0/0' },
              { RuleNumber: 10, Egress: false, RuleAction: 'refuse', Protocol: '-1', CidrBlock: '0.0.0.0/0' },
            ],
          },
        ],
      },
      { Subnets: [{ SubnetId: 'subnet-1', VpcId: 'vpc-1', CidrBlock: '10.0.0.0/24' }] },
    ],
    question: 'tcp/22 to 10.0.0.1',
    admitted: '10.0.0.0/24 .. 0.0.0.0/0',
    notes: ['action "refuse" is not one'],
  },
];

for (const { name, files, question, admitted, notes } of TRAPS)
  test(name, () => {
    const ruleset = readRuleset(files.map((file, i) => listing(`${i}.json`, file)));
    assert.equal(text(ask(ruleset, question).admitted), admitted);
    assert.deepEqual(ruleset.notes.map(({ reason }) => reason).sort(), notes);
  });

test('a cut listing is never taken for a closed port', () => {
  const whole = fixture('security-groups.json');
  const cut = { ...whole, text: whole.text.slice(0, 900) };
  const ruleset = readRuleset([cut, fixture('network-interfaces.json')]);
  assert.match(ruleset.files[0]?.incomplete ?? '', /no whole JSON/);
  assert.equal(text(ask(ruleset, 'tcp/5433 to 10.0.2.40').admitted), 'nobody .. 0.0.0.0/0');
});
