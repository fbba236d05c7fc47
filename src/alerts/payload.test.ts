import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { EcsFlat, EcsVersion } from '@elastic/ecs';
import type { AlertMessage } from './channel.ts';
import { bodyOf, payloadsOf } from './payload.ts';
import { ECS_VERSION } from './payload-ecs.ts';
import { OCSF_VERSION } from './payload-ocsf.ts';
import { sampleIncident, sampleMessage } from './sample-message.ts';

type FieldType = string | readonly string[] | { readonly enum: readonly number[] };
interface ObjectType {
  readonly fields: Record<string, FieldType>;
  readonly required: readonly string[];
  readonly atLeastOne?: readonly string[];
}
const ocsf: { version: string; objects: Record<string, ObjectType> } = JSON.parse(
  readFileSync(join(import.meta.dirname, '../../fixtures/alerts/ocsf-1.7.0-detection-finding.json'), 'utf8'),
);

/** What is wrong with a value, by the definitions of OCSF; paths with reasons. */
function wrongOcsf(value: unknown, type: FieldType, path: string): string[] {
  if (typeof type === 'object' && 'enum' in type)
    return type.enum.includes(value as number) ? [] : [`${path}: ${value} is none of its values`];
  if (Array.isArray(type))
    return Array.isArray(value)
      ? value.flatMap((item, i) => wrongOcsf(item, type[0], `${path}[${i}]`))
      : [`${path}: expected a list`];
  if (type === 'string') return typeof value === 'string' ? [] : [`${path}: expected a string`];
  if (type === 'integer') return Number.isSafeInteger(value) ? [] : [`${path}: expected an integer`];
  if (type === 'boolean') return typeof value === 'boolean' ? [] : [`${path}: expected a boolean`];
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [`${path}: expected an object`];
  if (type === 'object') return [];
  const object = ocsf.objects[type as string];
  if (!object) return [`${path}: ${type} is not among the definitions`];
  const wrong = object.required.filter((name) => !(name in value)).map((name) => `${path}.${name}: is required`);
  if (object.atLeastOne && !object.atLeastOne.some((name) => name in value))
    wrong.push(`${path}: has none of its names`);
  for (const [name, member] of Object.entries(value)) {
    const field = object.fields[name];
    if (field === undefined) wrong.push(`${path}.${name}: is not defined`);
    else wrong.push(...wrongOcsf(member, field, `${path}.${name}`));
  }
  return wrong;
}

interface EcsField {
  readonly type: string;
  readonly normalize?: readonly string[];
  readonly allowed_values?: readonly { readonly name: string; readonly expected_event_types?: readonly string[] }[];
}
const fields = EcsFlat as unknown as Record<string, EcsField>;

function isOf(type: string, value: unknown): boolean {
  if (type === 'long' || type === 'integer') return Number.isSafeInteger(value);
  if (type === 'float' || type === 'scaled_float') return typeof value === 'number';
  if (type === 'date') return typeof value === 'string' && new Date(value).toISOString() === value;
  if (type === 'ip') return typeof value === 'string' && /^[0-9a-f.:]+$/.test(value);
  return typeof value === 'string';
}

/** What is wrong with a document, by the field definitions of ECS. */
function wrongEcs(value: object, prefix = ''): string[] {
  return Object.entries(value).flatMap(([name, member]) => {
    const path = `${prefix}${name}`;
    const field = fields[path];
    if (field === undefined)
      return typeof member === 'object' && !Array.isArray(member)
        ? wrongEcs(member, `${path}.`)
        : [`${path}: is not defined`];
    if (field.type === 'object' && path === 'labels')
      return Object.values(member).every((label) => typeof label === 'string') ? [] : [`${path}: expected keywords`];
    const isList = field.normalize?.includes('array') ?? false;
    if (isList !== Array.isArray(member)) return [`${path}: expected ${isList ? 'a list' : 'one value'}`];
    const values: unknown[] = isList ? member : [member];
    return values.flatMap((one) => {
      if (!isOf(field.type, one)) return [`${path}: ${one} is no ${field.type}`];
      const allowed = field.allowed_values;
      return allowed && allowed.length > 0 && !allowed.some((a) => a.name === one)
        ? [`${path}: ${one} is not allowed`]
        : [];
    });
  });
}

const cause = sampleIncident().causes[0];
assert.ok(cause);
const messages: Record<string, AlertMessage> = {
  'an incident at a port': sampleMessage(),
  'a test': sampleMessage({ kind: 'test', incidents: [] }),
  'a reminder': sampleMessage({
    kind: 'reminded',
    incidents: [sampleIncident({ state: 'acknowledged', by: 'a', note: 'n' })],
  }),
  'resolved, by address': sampleMessage({
    kind: 'resolved',
    incidents: [
      sampleIncident({
        state: 'resolved',
        endpoint: { host: '10.0.0.5', scope: 'unknown', transport: 'udp', port: 161 },
        service: null,
        owner: null,
      }),
    ],
  }),
  'a raw socket': sampleMessage({
    incidents: [sampleIncident({ endpoint: { host: 'r1', scope: 'host', transport: 'raw', port: 89 } })],
  }),
  'about no port, without causes': sampleMessage({
    incidents: [sampleIncident({ endpoint: null, causes: [], causeCount: 0, severity: 'info' })],
  }),
  'a digest of hostile names': sampleMessage({
    kind: 'digest',
    workspace: 'a"b\u202e\n',
    incidents: [
      sampleIncident({ title: '\u0000]"\\<!channel>\u202e', severity: 'critical' }),
      sampleIncident({
        causes: [
          { ...cause, source: 'fe80::1' },
          { ...cause, source: '::ffff:10.0.0.1' },
        ],
      }),
    ],
  }),
  'very much': sampleMessage({
    kind: 'summary',
    more: 900,
    incidents: Array.from({ length: 60 }, () => sampleIncident({ title: 'x'.repeat(5_000) })),
  }),
};

for (const [what, message] of Object.entries(messages)) {
  test(`OCSF: ${what}`, () => {
    const documents = payloadsOf(message, 'ocsf');
    assert.equal(documents.length, Math.max(1, message.incidents.length));
    for (const document of documents) {
      assert.deepEqual(wrongOcsf(document, 'detection_finding', 'finding'), []);
      const { class_uid, activity_id, type_uid } = document as Record<string, number>;
      assert.equal(type_uid, (class_uid as number) * 100 + (activity_id as number));
    }
  });
  test(`ECS: ${what}`, () => {
    for (const document of payloadsOf(message, 'ecs')) assert.deepEqual(wrongEcs(document), []);
  });
  test(`quietdoor: ${what}`, () => {
    const [document] = payloadsOf(message, 'quietdoor') as readonly { schemaVersion: number; at: string }[];
    assert.equal(document?.schemaVersion, 1);
    assert.deepEqual(JSON.parse(bodyOf(message, 'quietdoor')).id, message.id);
  });
}

test('the checks of this file find what is wrong', () => {
  const document = payloadsOf(sampleMessage(), 'ocsf')[0] as Record<string, unknown>;
  assert.deepEqual(wrongOcsf({ ...document, foo: 1 }, 'detection_finding', 'f'), ['f.foo: is not defined']);
  assert.deepEqual(wrongOcsf({ ...document, severity_id: 7 }, 'detection_finding', 'f'), [
    'f.severity_id: 7 is none of its values',
  ]);
  const { metadata: _, ...bare } = document;
  assert.deepEqual(wrongOcsf(bare, 'detection_finding', 'f'), ['f.metadata: is required']);
  assert.deepEqual(wrongEcs({ event: { kind: 'alarm', severity: 'high', category: 'network', nope: 1 } }), [
    'event.kind: alarm is not allowed',
    'event.severity: high is no long',
    'event.category: expected a list',
    'event.nope: is not defined',
  ]);
});

test('the versions named are those checked against', () => {
  assert.equal(ECS_VERSION, EcsVersion);
  assert.equal(OCSF_VERSION, ocsf.version);
});

test('ECS: an event type is one that its category expects', () => {
  const { event } = payloadsOf(sampleMessage(), 'ecs')[0] as { event: { category: string[]; type: string[] } };
  for (const category of event.category) {
    const expected = fields['event.category']?.allowed_values?.find((v) => v.name === category)?.expected_event_types;
    assert.ok(event.type.every((type) => expected?.includes(type)));
  }
});
