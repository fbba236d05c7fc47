import { parseAddress } from '../model/address.ts';
import type { AddressSet } from '../model/address-set.ts';
import type { AddressFamily } from '../model/listener.ts';
import { ALWAYS, CONNECTION_STATES, type Condition, NEVER, type NumberRange } from '../model/ruleset.ts';
import { AddressCollector } from './address-collector.ts';
import { addressesWithBits } from './nftables-masks.ts';
import type { NftReading } from './nftables-reading.ts';
import { collectAddress, mergeRanges, numberRange } from './nftables-values.ts';
import { listOf, mapOf, shown } from './untrusted.ts';

/** What a rule of nftables can look at: `ip saddr`, `tcp dport`, `ct state`. */
export interface Field {
  /** `addresses` are what most elements of a concatenation differ by. */
  readonly kind: 'addresses' | 'other';
  /** What must hold for the field to be there at all: family and protocol. Whatever is asked of it is false otherwise. */
  readonly guard: readonly Condition[];
  /** Condition that the field has one of the values (elements of a set: numbers, names, ranges, prefixes, "*"). */
  oneOf(values: readonly unknown[], reading: NftReading): Condition;
  /** Condition that the field is below, above... a value; absent: it has no order. */
  compare?(op: '<' | '>' | '<=' | '>=', value: unknown, reading: NftReading): Condition;
  /** A number out of a constant of the field, for `&`, `|` and `^`; null: not one. */
  constant?(value: unknown): bigint | null;
  /** The field as `(field & keep) ^ flip`. */
  masked?(keep: bigint, flip: bigint): Field;
  /** Set of flags: condition that `(field & mask) == value`; absent: it is none. */
  flags?(mask: number, value: number, reading: NftReading): Condition;
}

/** Any of the conditions; one alone as it is. */
export function anyOf(conditions: readonly Condition[]): Condition {
  const [only] = conditions;
  return conditions.length === 1 && only !== undefined ? only : { kind: 'any', of: conditions };
}

/** All of the conditions, each once; one alone as it is. */
export function allOf(conditions: readonly Condition[]): Condition {
  const once = [...new Set(conditions)];
  const [only] = once;
  return once.length === 1 && only !== undefined ? only : { kind: 'all', of: once };
}

/** The opposite, in the plainest words: a connection has exactly one state, and a bit is set or not. */
export function negation(c: Condition): Condition {
  if (c.kind === 'not') return c.of;
  if (c === NEVER) return ALWAYS;
  if (c === ALWAYS) return NEVER;
  if (c.kind === 'connection-state')
    return { kind: 'connection-state', states: CONNECTION_STATES.filter((state) => !c.states.includes(state)) };
  if (c.kind === 'tcp-flags' && c.value === 0 && (c.mask & (c.mask - 1)) === 0 && c.mask !== 0)
    return { ...c, value: c.mask };
  return { kind: 'not', of: c };
}

const FAMILIES = {
  ipv4: { kind: 'family', family: 'ipv4' },
  ipv6: { kind: 'family', family: 'ipv6' },
} as const;

/** One object per family, so that it is told once. */
export function familyIs(family: AddressFamily): Condition {
  return FAMILIES[family];
}

const protocols = Array.from(
  { length: 256 },
  (_, number): Condition => ({ kind: 'protocol', numbers: [{ from: number, to: number }] }),
);

/** One object per protocol, so that it is told once. */
export function protocolIs(number: number): Condition {
  return protocols[number] ?? NEVER;
}

/** Sorts values into what `read` understands and an unknown rest. `*` is every value. */
function eachValue(
  values: readonly unknown[],
  reading: NftReading,
  what: string,
  read: (value: unknown) => boolean,
): { readonly all: boolean; readonly rest: readonly Condition[] } {
  let rest: readonly Condition[] = [];
  for (const value of values) {
    if (value === '*') return { all: true, rest: [] };
    if (!read(value) && rest.length === 0) rest = [reading.unrecognised(`${shown(value)} is not ${what}`)];
  }
  return { all: false, rest };
}

/** A field of numbers of at most 16 bits, or of marks with `wide`. */
export function numberField(options: {
  readonly guard: readonly Condition[];
  readonly bits: 8 | 16;
  readonly what: string;
  numberOf(value: unknown): number | null;
  condition(ranges: readonly NumberRange[]): Condition;
}): Field {
  const { guard, bits, what, numberOf, condition } = options;
  const most = 2 ** bits - 1;
  function rangesOf(
    values: readonly unknown[],
    reading: NftReading,
  ): { all: boolean; rest: readonly Condition[]; ranges: NumberRange[] } {
    const ranges: NumberRange[] = [];
    const read = eachValue(values, reading, what, (value) => {
      const range = numberRange(value, bits, numberOf);
      if (range !== null) ranges.push(range);
      return range !== null;
    });
    return { ...read, ranges: mergeRanges(ranges) };
  }
  function oneOf(values: readonly unknown[], reading: NftReading): Condition {
    const { all, rest, ranges } = rangesOf(values, reading);
    return all ? ALWAYS : anyOf([...(ranges.length > 0 || rest.length === 0 ? [condition(ranges)] : []), ...rest]);
  }
  return {
    kind: 'other',
    guard,
    oneOf,
    compare: (op, value, reading) => {
      const number = numberOf(value);
      if (number === null) return reading.unrecognised(`${shown(value)} is not ${what}`);
      const range = comparedRange(op, number, most);
      return range === null ? NEVER : condition([range]);
    },
    constant: (value) => bigintOf(numberOf(value)),
    masked: (keep, flip) => {
      const [kept, flipped] = [Number(keep), Number(flip)];
      return {
        kind: 'other',
        guard,
        oneOf: (values, reading) => {
          const { all, rest, ranges } = rangesOf(values, reading);
          if (all) return ALWAYS;
          const wanted = new Uint8Array(most + 1);
          for (const { from, to } of ranges) wanted.fill(1, from, to + 1);
          const found: NumberRange[] = [];
          for (let x = 0; x <= most; x++) if (wanted[(x & kept) ^ flipped] === 1) found.push({ from: x, to: x });
          return anyOf([condition(mergeRanges(found)), ...rest]);
        },
        constant: (value) => bigintOf(numberOf(value)),
        masked: () => unknownField(guard, 'several masks of one field are not followed'),
      };
    },
  };
}

function bigintOf(number: number | null): bigint | null {
  return number === null ? null : BigInt(number);
}

/** The numbers up to `most` that compare so with a number; null: none. */
export function comparedRange(op: '<' | '>' | '<=' | '>=', number: number, most: number): NumberRange | null {
  const from = op === '>' ? number + 1 : op === '>=' ? number : 0;
  const to = op === '<' ? number - 1 : op === '<=' ? number : most;
  return from > to ? null : { from, to };
}

/** An address of the packet or of its connection. */
export function addressField(options: {
  readonly guard: readonly Condition[];
  readonly family: AddressFamily;
  condition(set: AddressSet): Condition;
}): Field {
  const { guard, family, condition } = options;
  const what = family === 'ipv4' ? 'an IPv4 address' : 'an IPv6 address';
  const numberOf = (value: unknown): bigint | null => {
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return BigInt(value);
    const address = typeof value === 'string' ? parseAddress(value) : null;
    return address?.family === family ? BigInt(address.value) : null;
  };
  return {
    kind: 'addresses',
    guard,
    oneOf: (values, reading) => {
      const addresses = new AddressCollector(family);
      let known = values.length === 0;
      const { all, rest } = eachValue(values, reading, what, (value) => {
        const read = collectAddress(value, addresses);
        known ||= read;
        return read;
      });
      return all ? ALWAYS : anyOf([...(known ? [condition(addresses.set())] : []), ...rest]);
    },
    compare: (op, value, reading) => {
      const number = numberOf(value);
      if (number === null) return reading.unrecognised(`${shown(value)} is not ${what}`);
      const end = family === 'ipv4' ? 1n << 32n : 1n << 128n;
      const from = op === '>' ? number + 1n : op === '>=' ? number : 0n;
      const to = op === '<' ? number : op === '<=' ? number + 1n : end;
      if (from >= to) return NEVER;
      return condition(
        family === 'ipv4' ? { ipv4: [Number(from), Number(to)], ipv6: [] } : { ipv4: [], ipv6: [from, to] },
      );
    },
    constant: numberOf,
    masked: (keep, flip) => ({
      kind: 'other',
      guard,
      oneOf: (values, reading) => {
        const wanted: bigint[] = [];
        const { all, rest } = eachValue(values, reading, what, (value) => {
          const number = numberOf(value);
          if (number !== null) wanted.push(number);
          return number !== null;
        });
        if (all) return ALWAYS;
        const set = addressesWithBits(
          family,
          keep,
          wanted.map((value) => value ^ flip),
        );
        if (set === null) return reading.unsupported('its mask splits the addresses into too many parts');
        return anyOf([condition(set), ...rest]);
      },
      constant: numberOf,
    }),
  };
}

/** A set of flags: `ct state`, `ct status`, `tcp flags`. `equals`: condition that the bits under a mask have a value. */
export function flagsField(options: {
  readonly guard: readonly Condition[];
  readonly all: number;
  readonly what: string;
  readonly names: ReadonlyMap<string, number>;
  equals(mask: number, value: number, reading: NftReading): Condition;
}): Field {
  const { guard, all, what, names, equals } = options;
  const constant = (value: unknown): bigint | null => bigintOf(flagsValue(value, names, 0));
  const make = (keep: number, flip: number): Field => ({
    kind: 'other',
    guard,
    oneOf: (values, reading) => {
      const conditions: Condition[] = [];
      const { all: every, rest } = eachValue(values, reading, what, (value) => {
        const bits = flagsValue(value, names, 0);
        if (bits !== null) conditions.push(isValue(keep, bits ^ flip, reading));
        return bits !== null;
      });
      return every ? ALWAYS : anyOf([...conditions, ...rest]);
    },
    constant,
    masked: (more, otherFlip) => make(keep & Number(more), (flip & Number(more)) ^ Number(otherFlip)),
    flags: (mask, value, reading) => isValue(keep & mask, (value ^ flip) & mask, reading),
  });
  function isValue(mask: number, value: number, reading: NftReading): Condition {
    return (value & ~mask) !== 0 ? NEVER : equals(mask, value, reading);
  }
  return make(all, 0);
}

/** The bits of `syn`, `["syn", "ack"]`, `{"|": ["syn", "ack"]}` (also one in the other) or of a number; null: not flags. */
export function flagsValue(value: unknown, names: ReadonlyMap<string, number>, depth: number): number | null {
  if (typeof value === 'number') return Number.isInteger(value) && value >= 0 && value <= 0x7fffffff ? value : null;
  if (typeof value === 'string')
    return names.get(value) ?? (/^0x[0-9a-f]{1,7}$/i.test(value) || /^[0-9]{1,9}$/.test(value) ? Number(value) : null);
  const parts = Array.isArray(value) ? value : listOf(mapOf(value)['|']);
  if (parts.length === 0 || depth > 40) return null;
  let bits = 0;
  for (const part of parts) {
    const more = flagsValue(part, names, depth + 1);
    if (more === null) return null;
    bits |= more;
  }
  return bits;
}

/** A field whose value cannot be known beforehand, and why. What it needs to be there is known all the same. */
export function unknownField(
  guard: readonly Condition[],
  reason: string,
  status: 'unsupported' | 'unrecognised' = 'unsupported',
): Field {
  const say = (reading: NftReading): Condition =>
    status === 'unsupported' ? reading.unsupported(reason) : reading.unrecognised(reason);
  return {
    kind: 'other',
    guard,
    oneOf: (_values, reading) => say(reading),
    compare: (_op, _value, reading) => say(reading),
  };
}
