import { ALWAYS, type Condition, type NumberRange, type Step } from '../model/ruleset.ts';
import { anyOf, comparedRange, type Field } from './nftables-field.ts';
import type { NftReading } from './nftables-reading.ts';
import { markNumber, mergeRanges, numberRange } from './nftables-values.ts';
import { listOf, mapOf, shown } from './untrusted.ts';

const ALL_BITS = 0xffffffff;

/** The mark of the packet or of its connection. */
export function markField(
  kind: 'mark' | 'connection-mark',
  guard: readonly Condition[],
  keep = ALL_BITS,
  flip = 0,
): Field {
  const of = (values: readonly NumberRange[]): Condition => ({ kind, mask: keep, values });
  return {
    kind: 'other',
    guard,
    oneOf: (values, reading) => {
      const ranges: NumberRange[] = [];
      let rest: readonly Condition[] = [];
      for (const value of values) {
        if (value === '*') return ALWAYS;
        const range = numberRange(value, 32, markNumber);
        if (range === null) rest = [reading.unrecognised(`${shown(value)} is not a mark`)];
        else if (flip === 0) ranges.push(range);
        else if (range.from === range.to) {
          const mark = (range.from ^ flip) >>> 0;
          ranges.push({ from: mark, to: mark });
        } else rest = [reading.unsupported('a range of changed marks is not followed')];
      }
      return anyOf([...(ranges.length > 0 || rest.length === 0 ? [of(mergeRanges(ranges))] : []), ...rest]);
    },
    compare: (op, value, reading) => {
      const number = markNumber(value);
      if (number === null) return reading.unrecognised(`${shown(value)} is not a mark`);
      if (flip !== 0) return reading.unsupported('a range of changed marks is not followed');
      const range = comparedRange(op, number, ALL_BITS);
      return of(range === null ? [] : [range]);
    },
    constant: (value) => {
      const number = markNumber(value);
      return number === null ? null : BigInt(number);
    },
    masked: (more, otherFlip) => {
      const mask = Number(BigInt.asUintN(32, more));
      return markField(kind, guard, (keep & mask) >>> 0, (((flip & mask) >>> 0) ^ Number(otherFlip)) >>> 0);
    },
  };
}

/** The mark of a connection cannot be read where there is none; then the rule ends. */
const HAS_CONNECTION: Step = {
  kind: 'match',
  condition: { kind: 'not', of: { kind: 'connection-state', states: ['invalid', 'untracked'] } },
};

type MarkOf = 'packet' | 'connection';

/** Which mark `{"meta": {"key": "mark"}}` and `{"ct": {"key": "mark"}}` are; null: none. */
export function markKey(expression: unknown): MarkOf | null {
  const map = mapOf(expression);
  if (mapOf(map.meta).key === 'mark' || map.meta === 'mark') return 'packet';
  return mapOf(map.ct).key === 'mark' ? 'connection' : null;
}

/** A mark as `(from & keep) ^ flip`; `from` null: a constant. */
interface MarkValue {
  readonly from: MarkOf | null;
  readonly keep: number;
  readonly flip: number;
}

/** Steps that set a mark to what an expression says. */
export function setMark(of: MarkOf, expression: unknown, reading: NftReading): readonly Step[] {
  const value = markValue(expression, 0);
  if (value === null) {
    reading.unsupported('what it sets the mark to is not followed');
    return [{ kind: 'unknown-mark', of, reason: 'what it sets the mark to is not followed' }];
  }
  const { from, keep, flip } = value;
  if (from === null) return [{ kind: 'set-mark', of, keep: 0, value: flip }];
  const readable = from === 'connection' ? [HAS_CONNECTION] : [];
  if (from === of) return [...readable, { kind: 'set-mark', of, keep, value: flip }];
  const copy: Step = { kind: 'copy-mark', from, keep: 0, mask: keep };
  const flipped: readonly Step[] = flip === 0 ? [] : [{ kind: 'set-mark', of, keep: ALL_BITS, value: flip }];
  return [...readable, copy, ...flipped];
}

function markValue(expression: unknown, depth: number): MarkValue | null {
  const constant = markNumber(expression);
  if (constant !== null) return { from: null, keep: 0, flip: constant };
  const from = markKey(expression);
  if (from !== null) return { from, keep: ALL_BITS, flip: 0 };
  const [op, ...more] = Object.keys(mapOf(expression));
  if (depth > 20 || more.length > 0 || (op !== '&' && op !== '|' && op !== '^')) return null;
  const [left, ...operands] = listOf(mapOf(expression)[op]);
  let value = markValue(left, depth + 1);
  for (const operand of operands) {
    const mask = markNumber(operand);
    if (mask === null || value === null) return null;
    const { keep, flip } = value;
    if (op === '&') value = { ...value, keep: (keep & mask) >>> 0, flip: (flip & mask) >>> 0 };
    else if (op === '^') value = { ...value, flip: (flip ^ mask) >>> 0 };
    else value = { ...value, keep: (keep & ~mask) >>> 0, flip: ((flip & ~mask) | mask) >>> 0 };
  }
  return value;
}
