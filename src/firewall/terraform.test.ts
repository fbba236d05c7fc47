import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseAddress } from '../model/address.ts';
import { toText } from '../model/address-set-text.ts';
import type { Ruleset } from '../model/ruleset.ts';
import { createEvaluator } from './evaluate.ts';
import { readRuleset } from './read.ts';

const FOLDER = join(import.meta.dirname, '..', '..', 'fixtures', 'firewall', 'aws');
const fixture = (name: string) => ({ name, text: readFileSync(join(FOLDER, name), 'utf8') });
const DATABASE = 'module.db["eu.1"].aws_security_group.this';

function ask(ruleset: Ruleset, port: number, where: { readonly address?: string; readonly scope?: string }): string {
  const { admitted } = createEvaluator(ruleset).admission({
    transport: 'tcp',
    port,
    addresses: where.address ? [parseAddress(where.address) ?? assert.fail(where.address)] : null,
    iif: null,
    scope: where.scope ?? 'host',
    view: 'client',
    explain: false,
  });
  const [lower, upper] = [toText(admitted.lower) || 'nobody', toText(admitted.upper) || 'nobody'];
  return lower === upper ? lower : `${lower} .. ${upper}`;
}

const CASES: { file: string; port: number; address?: string; scope?: string; admitted: string }[] = [
  // Ids are known after apply; the configuration says which group a rule and an instance mean.
  { file: 'terraform-plan.json', port: 443, address: '10.0.1.17', admitted: '0.0.0.0/0' },
  { file: 'terraform-plan.json', port: 22, address: '10.0.1.17', admitted: '203.0.113.0/24' },
  { file: 'terraform-plan.json', port: 80, address: '10.0.1.17', admitted: 'nobody' },
  // A block of the group itself, with a group whose id is known after apply: its other members are not known.
  {
    file: 'terraform-plan.json',
    port: 6379,
    scope: 'sg:aws_security_group.cache',
    admitted: '10.0.1.17, 10.9.0.0/24 .. 0.0.0.0/0, ::/0',
  },
  { file: 'terraform-plan.json', port: 6380, scope: 'sg:aws_security_group.cache', admitted: 'nobody' },
  // Through an argument of a module.
  { file: 'terraform-plan.json', port: 5432, scope: `sg:${DATABASE}`, admitted: '10.0.1.17 .. 0.0.0.0/0, ::/0' },
  // Blocks that are known after apply.
  { file: 'terraform-plan.json', port: 9187, scope: `sg:${DATABASE}`, admitted: 'nobody .. 0.0.0.0/0, ::/0' },
  { file: 'terraform-plan.json', port: 9188, scope: `sg:${DATABASE}`, admitted: 'nobody' },
  // A state: elastic address, network ACL with rules of its own and as resources.
  {
    file: 'terraform-state.json',
    port: 443,
    address: '192.0.2.17',
    admitted: '0.0.0.0-198.51.99.255, 198.51.101.0-255.255.255.255',
  },
  { file: 'terraform-state.json', port: 22, address: '10.0.1.17', admitted: 'nobody' },
  { file: 'terraform-state.json', port: 22, address: '10.0.9.9', admitted: 'nobody .. 0.0.0.0/0' },
];

for (const { file, port, admitted, ...where } of CASES)
  test(`${file}: tcp/${port} ${where.address ?? where.scope}`, () => {
    assert.equal(ask(readRuleset([fixture(file)]), port, where), admitted);
  });

test('counts permissions, entries and what is no filter', () => {
  const { statements, notes } = readRuleset([fixture('terraform-state.json')]);
  assert.deepEqual(statements, { modelled: 6, irrelevant: 4, unsupported: 0, unrecognised: 0 });
  assert.deepEqual(notes, []);
  const plan = readRuleset([fixture('terraform-plan.json')]);
  assert.deepEqual(plan.statements, { modelled: 3, irrelevant: 1, unsupported: 4, unrecognised: 0 });
  assert.equal(plan.notes.length, 4);
});

/** A state or plan with the given resources. */
function document(resources: readonly object[], more: object = {}) {
  const values = { root_module: { resources } };
  const format = { format_version: '1.2', terraform_version: '1.11.0' };
  return {
    name: 'tf.json',
    text: JSON.stringify({ ...format, ...more, ...('plan' in more ? { planned_values: values } : { values }) }),
  };
}
const resource = (address: string, values: object) => {
  const [type, name] = address.split('.');
  return { address, mode: 'managed', type, name, values };
};
const GROUP = resource('aws_security_group.web', { id: 'sg-1', ingress: [], egress: [] });
const SSH = { type: 'ingress', protocol: 'tcp', from_port: 22, to_port: 22, cidr_blocks: ['10.0.0.0/8'], self: false };
const later = (address: string, unknown: object) => ({ address, change: { after_unknown: unknown } });

const TRAPS: { name: string; file: { name: string; text: string }; admitted: string }[] = [
  {
    name: 'a rule whose group is known after apply, and not to be found, may be of any group',
    file: document([GROUP, resource('aws_security_group_rule.ssh', SSH)], {
      plan: true,
      resource_changes: [later('aws_security_group_rule.ssh', { security_group_id: true })],
    }),
    admitted: 'nobody .. 0.0.0.0/0, ::/0',
  },
  {
    name: 'ports that are known after apply may be any',
    file: document([GROUP, resource('aws_security_group_rule.ssh', { ...SSH, security_group_id: 'sg-1' })], {
      plan: true,
      resource_changes: [later('aws_security_group_rule.ssh', { from_port: true })],
    }),
    admitted: 'nobody .. 10.0.0.0/8',
  },
  {
    name: 'one unknown block among known ones',
    file: document([GROUP, resource('aws_security_group_rule.ssh', { ...SSH, security_group_id: 'sg-1' })], {
      plan: true,
      resource_changes: [later('aws_security_group_rule.ssh', { cidr_blocks: [true] })],
    }),
    admitted: 'nobody .. 0.0.0.0/0, ::/0',
  },
  {
    name: 'inline rules that are known after apply',
    file: document([resource('aws_security_group.web', { id: 'sg-1', egress: [] })], {
      plan: true,
      resource_changes: [later('aws_security_group.web', { ingress: true })],
    }),
    admitted: 'nobody .. 0.0.0.0/0, ::/0',
  },
  {
    name: 'a permission that the state mirrors and the configuration lacks is perhaps removed',
    file: document([resource('aws_security_group.web', { id: 'sg-1', ingress: [{ ...SSH }], egress: [] })], {
      plan: true,
      configuration: { root_module: { resources: [{ address: 'aws_security_group.web', expressions: {} }] } },
    }),
    admitted: 'nobody .. 10.0.0.0/8',
  },
  {
    name: 'a reference through a condition is not taken for certain',
    file: document([GROUP, resource('aws_security_group_rule.ssh', SSH)], {
      plan: true,
      resource_changes: [later('aws_security_group_rule.ssh', { security_group_id: true })],
      configuration: {
        root_module: {
          resources: [
            {
              address: 'aws_security_group_rule.ssh',
              expressions: {
                security_group_id: { references: ['var.open', 'aws_security_group.web.id', 'aws_security_group.web'] },
              },
            },
            { address: 'aws_security_group.web', expressions: { ingress: { references: [] } } },
          ],
        },
      },
    }),
    admitted: 'nobody .. 0.0.0.0/0, ::/0',
  },
  {
    name: 'self without any other interface known',
    file: document([
      GROUP,
      resource('aws_security_group_rule.ssh', { ...SSH, cidr_blocks: null, self: true, security_group_id: 'sg-1' }),
    ]),
    admitted: 'nobody .. 0.0.0.0/0, ::/0',
  },
];

for (const { name, file, admitted } of TRAPS)
  test(name, () => {
    assert.equal(ask(readRuleset([file]), 22, { scope: 'sg:aws_security_group.web' }), admitted);
  });

test('instances whose address is known after apply answer by their name', () => {
  const file = document([
    GROUP,
    resource('aws_security_group_rule.ssh', { ...SSH, security_group_id: 'sg-1' }),
    resource('aws_instance.web', { id: 'i-1', vpc_security_group_ids: ['sg-1'] }),
  ]);
  assert.equal(ask(readRuleset([file]), 22, { scope: 'instance:aws_instance.web' }), '10.0.0.0/8');
});

test('a cut file is undecided, and so is a newer format', () => {
  const { name, text } = fixture('terraform-state.json');
  const cut = readRuleset([{ name, text: text.slice(0, 1000) }]);
  assert.match(cut.files[0]?.incomplete ?? '', /no whole JSON/);
  assert.equal(ask(cut, 22, { address: '10.0.1.17' }), 'nobody .. 0.0.0.0/0');
  const newer = readRuleset([{ name, text: '{"format_version":"2.0","terraform_version":"3.0"}' }]);
  assert.match(newer.files[0]?.incomplete ?? '', /newer/);
});

test('two VPCs of one plan with the same blocks are told apart by reference', () => {
  const names = ['one', 'two'];
  const text = JSON.stringify({
    format_version: '1.2',
    planned_values: {
      root_module: {
        resources: names.flatMap((name) => [
          resource(`aws_vpc.${name}`, {}),
          resource(`aws_subnet.${name}`, { cidr_block: '10.0.0.0/24' }),
          resource(`aws_security_group.${name}`, { ingress: [{ ...SSH }], egress: [] }),
        ]),
      },
    },
    resource_changes: names.flatMap((name) => [
      later(`aws_vpc.${name}`, { id: true }),
      later(`aws_subnet.${name}`, { id: true, vpc_id: true }),
    ]),
    configuration: {
      root_module: {
        resources: names.map((name) => ({
          address: `aws_subnet.${name}`,
          expressions: { vpc_id: { references: [`aws_vpc.${name}.id`, `aws_vpc.${name}`] } },
        })),
      },
    },
  });
  const ambiguous = readRuleset([{ name: 'plan.json', text }]).layers.find(
    ({ id }) => id === 'terraform aws ambiguous',
  );
  assert.equal(toText(ambiguous?.addresses ?? assert.fail('not told')), '10.0.0.0/24');
});
