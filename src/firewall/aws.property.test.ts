import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseAddress } from '../model/address.ts';
import { has } from '../model/address-set.ts';
import { createEvaluator } from './evaluate.ts';
import { readRuleset } from './read.ts';

/** Random security groups and network ACLs, and a judge of single packets that shares no code with the engine. */

const SUBNETS = ['10.0.1.0/24', '10.0.2.0/24'];
const BLOCKS = [
  '0.0.0.0/0',
  '10.0.0.0/8',
  '10.0.0.0/16',
  '10.0.1.0/24',
  '10.0.2.0/25',
  '10.0.1.10/32',
  '192.0.2.0/24',
  '192.0.2.128/25',
];
const PORTS = [0, 21, 22, 23, 80, 443, 1023, 1024, 5432, 40000, 65535];
const SOURCES = [
  '10.0.1.10',
  '10.0.1.11',
  '10.0.1.200',
  '10.0.2.10',
  '10.0.2.130',
  '10.0.3.1',
  '10.9.9.9',
  '192.0.2.1',
  '192.0.2.200',
  '203.0.113.9',
];
const QUERIES = [
  { transport: 'tcp', number: 6, port: 22 },
  { transport: 'tcp', number: 6, port: 5432 },
  { transport: 'udp', number: 17, port: 80 },
  { transport: 'sctp', number: 132, port: 443 },
] as const;

const range = fc.tuple(fc.constantFrom(...PORTS), fc.constantFrom(...PORTS)).map(([a, b]) => ({
  from: Math.min(a, b),
  to: Math.max(a, b),
}));
const permission = fc.record({
  protocol: fc.constantFrom('tcp', 'udp', '-1', '132', 'icmp', '50'),
  range,
  blocks: fc.array(fc.constantFrom(...BLOCKS), { maxLength: 2 }),
  groups: fc.array(fc.integer({ min: 0, max: 2 }), { maxLength: 2 }),
});
const groups = fc.array(fc.record({ ingress: fc.array(permission, { maxLength: 4 }) }), {
  minLength: 3,
  maxLength: 3,
});
const machine = fc.record({
  subnet: fc.integer({ min: 0, max: 1 }),
  groups: fc.uniqueArray(fc.integer({ min: 0, max: 2 }), { minLength: 1, maxLength: 3 }),
});
const entry = fc.record({
  number: fc.integer({ min: 1, max: 40 }),
  egress: fc.boolean(),
  allow: fc.boolean(),
  protocol: fc.constantFrom('6', '17', '-1', '132', '1'),
  range,
  block: fc.constantFrom(...BLOCKS),
});
const acls = fc.array(fc.array(entry, { maxLength: 8 }), { minLength: 2, maxLength: 2 });
const world = fc
  .record({ groups, machines: fc.array(machine, { minLength: 1, maxLength: 4 }), acls })
  .map(({ groups, machines, acls }) => ({
    groups,
    machines: machines.map((one, i) => ({ ...one, address: `10.0.${one.subnet + 1}.${10 + i}` })),
    // AWS has one entry per number and direction.
    acls: acls.map((list) =>
      list.filter((e, i) => list.findIndex((o) => o.number === e.number && o.egress === e.egress) === i),
    ),
  }));
type World = typeof world extends fc.Arbitrary<infer W> ? W : never;

/** The listings of the AWS CLI that tell of it. */
function listings({ groups, machines, acls }: World) {
  const security = groups.map(({ ingress }, i) => ({
    GroupId: `sg-${i}`,
    GroupName: `g${i}`,
    OwnerId: '1',
    VpcId: 'vpc-1',
    IpPermissions: ingress.map((p) => ({
      IpProtocol: p.protocol,
      ...(p.protocol === 'tcp' || p.protocol === 'udp' ? { FromPort: p.range.from, ToPort: p.range.to } : {}),
      ...(p.protocol === 'icmp' ? { FromPort: -1, ToPort: -1 } : {}),
      IpRanges: p.blocks.map((CidrIp) => ({ CidrIp })),
      Ipv6Ranges: [],
      PrefixListIds: [],
      UserIdGroupPairs: p.groups.map((g) => ({ GroupId: `sg-${g}`, UserId: '1' })),
    })),
    IpPermissionsEgress: [],
  }));
  const network = acls.map((entries, i) => ({
    NetworkAclId: `acl-${i}`,
    VpcId: 'vpc-1',
    IsDefault: false,
    Associations: [{ SubnetId: `subnet-${i}` }],
    // The order of a listing means nothing.
    Entries: entries.toReversed().map((e) => ({
      RuleNumber: e.number,
      Egress: e.egress,
      RuleAction: e.allow ? 'allow' : 'deny',
      Protocol: e.protocol,
      CidrBlock: e.block,
      ...(e.protocol === '6' || e.protocol === '17' ? { PortRange: { From: e.range.from, To: e.range.to } } : {}),
      ...(e.protocol === '1' ? { IcmpTypeCode: { Type: -1, Code: -1 } } : {}),
    })),
  }));
  const interfaces = machines.map((m, i) => ({
    NetworkInterfaceId: `eni-${i}`,
    VpcId: 'vpc-1',
    SubnetId: `subnet-${m.subnet}`,
    Groups: m.groups.map((g) => ({ GroupId: `sg-${g}` })),
    PrivateIpAddresses: [{ PrivateIpAddress: m.address }],
  }));
  const subnets = SUBNETS.map((CidrBlock, i) => ({ SubnetId: `subnet-${i}`, VpcId: 'vpc-1', CidrBlock }));
  return [
    { name: 'sg.json', text: JSON.stringify({ SecurityGroups: security }) },
    { name: 'acl.json', text: JSON.stringify({ NetworkAcls: network }) },
    { name: 'eni.json', text: JSON.stringify({ NetworkInterfaces: interfaces }) },
    { name: 'subnets.json', text: JSON.stringify({ Subnets: subnets }) },
  ];
}

function inBlock(address: string, block: string): boolean {
  const [network = '', bits] = block.split('/');
  const number = (text: string) => text.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
  const size = 2 ** (32 - Number(bits));
  return Math.floor(number(address) / size) === Math.floor(number(network) / size);
}

const SG_NUMBERS: Record<string, number> = { tcp: 6, udp: 17, icmp: 1 };

function groupsLetIn(w: World, target: World['machines'][number], source: string, protocol: number, port: number) {
  return target.groups.some((g) =>
    w.groups[g]?.ingress.some((p) => {
      if (p.protocol !== '-1' && (SG_NUMBERS[p.protocol] ?? Number(p.protocol)) !== protocol) return false;
      if ((protocol === 6 || protocol === 17) && p.protocol !== '-1')
        if (port < p.range.from || port > p.range.to) return false;
      if (p.blocks.some((block) => inBlock(source, block))) return true;
      return w.machines.some((m) => m.address === source && m.groups.some((own) => p.groups.includes(own)));
    }),
  );
}

/** A network ACL passes one packet or not: no memory of connections. `other`: the side outside of the subnet. */
function aclPasses(w: World, subnet: number, egress: boolean, other: string, protocol: number, toPort: number) {
  if (inBlock(other, SUBNETS[subnet] as string)) return true;
  const entries = (w.acls[subnet] ?? []).filter((e) => e.egress === egress).sort((a, b) => a.number - b.number);
  for (const e of entries) {
    if (e.protocol !== '-1' && Number(e.protocol) !== protocol) continue;
    const isPorts = e.protocol === '6' || e.protocol === '17';
    if (isPorts && (toPort < e.range.from || toPort > e.range.to)) continue;
    if (inBlock(other, e.block)) return e.allow;
  }
  return false;
}

test('agrees with a judge of single packets for random security groups and network ACLs', () => {
  let judged = 0;
  let admitted = 0;
  let completed = 0;
  fc.assert(
    fc.property(world, (w) => {
      const ruleset = readRuleset(listings(w));
      assert.deepEqual(ruleset.notes, []);
      const evaluator = createEvaluator(ruleset);
      const clientPorts = [...new Set(PORTS.flatMap((p) => [p, p + 1, p - 1]))].filter((p) => p >= 0 && p <= 65535);
      for (const target of w.machines) {
        const address = parseAddress(target.address);
        assert.ok(address);
        for (const { transport, number, port } of QUERIES) {
          const asked = { transport, port, addresses: [address], iif: null, scope: 'host' } as const;
          const answer = evaluator.admission({ ...asked, view: 'client', explain: false });
          for (const source of SOURCES) {
            const from = parseAddress(source);
            assert.ok(from);
            const enters =
              groupsLetIn(w, target, source, number, port) && aclPasses(w, target.subnet, false, source, number, port);
            const completes = enters && clientPorts.some((p) => aclPasses(w, target.subnet, true, source, number, p));
            const where = `${source} to ${target.address} ${transport}/${port}`;
            assert.deepEqual(
              [has(answer.admitted.lower, from), has(answer.admitted.upper, from)],
              [enters, enters],
              where,
            );
            assert.deepEqual(
              [has(answer.completes.lower, from), has(answer.completes.upper, from)],
              [completes, completes],
              `${where}, answers included`,
            );
            judged++;
            admitted += enters ? 1 : 0;
            completed += completes ? 1 : 0;
          }
        }
      }
    }),
    { numRuns: 150 },
  );
  assert.ok(admitted > judged / 50 && completed > 0 && completed < admitted, `${judged} ${admitted} ${completed}`);
});
