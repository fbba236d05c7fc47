import {
  EVENT_ALIAS,
  EVENT_DOCUMENT,
  EVENT_MAPPING,
  EVENT_POP,
  EVENT_SCALAR,
  EVENT_SEQUENCE,
  type Event,
  getScalarValue,
} from 'js-yaml';
import type { SourcePosition } from '../model/errors.ts';

export type YamlPath = ReadonlyArray<string | number>;

/** Turns offsets of a text into positions. Lines end in LF; columns are UTF-16 units, as editors count them. */
export interface LineIndex {
  position(offset: number): SourcePosition;
}

export function indexLines(text: string, file: string): LineIndex {
  const starts = [0];
  for (let i = text.indexOf('\n'); i >= 0; i = text.indexOf('\n', i + 1)) starts.push(i + 1);
  return {
    position(offset) {
      let low = 0;
      let high = starts.length - 1;
      while (low < high) {
        const middle = (low + high + 1) >> 1;
        if ((starts[middle] as number) <= offset) low = middle;
        else high = middle - 1;
      }
      return { file, line: low + 1, column: offset - (starts[low] as number) + 1 };
    },
  };
}

/**
 * Returns the offset in `source` of the node at a path, walking the parser's events; the nearest parent that exists
 * where the path leads nowhere. `key`: the offset of the last key of the path instead of its value.
 */
export function locate(events: readonly Event[], source: string, path: YamlPath, what: 'key' | 'value'): number {
  let i = events[0]?.type === EVENT_DOCUMENT ? 1 : 0;
  let offset = offsetOf(events[i]);
  for (const [depth, step] of path.entries()) {
    const parent = events[i];
    let child = i + 1;
    let found = -1;
    let keyOffset = offset;
    if (parent?.type === EVENT_SEQUENCE) {
      for (let n = 0; child < events.length && events[child]?.type !== EVENT_POP; n++) {
        if (n === step) {
          found = child;
          break;
        }
        child = skip(events, child);
      }
    } else if (parent?.type === EVENT_MAPPING) {
      while (child < events.length && events[child]?.type !== EVENT_POP) {
        const key = events[child];
        const value = skip(events, child);
        if (key?.type === EVENT_SCALAR && getScalarValue(source, key) === String(step)) {
          keyOffset = offsetOf(key);
          found = value;
          break;
        }
        child = skip(events, value);
      }
    }
    if (found < 0) return offset;
    if (depth === path.length - 1 && what === 'key') return keyOffset;
    i = found;
    // An empty value has no place of its own: its key says where it is missing.
    offset = offsetOf(events[i], keyOffset);
  }
  return offset;
}

/** Index of the event behind the node that begins at `i`. */
function skip(events: readonly Event[], i: number): number {
  let depth = 0;
  for (let n = i; n < events.length; n++) {
    const type = events[n]?.type;
    if (type === EVENT_SEQUENCE || type === EVENT_MAPPING) depth++;
    else if (type === EVENT_POP) depth--;
    if (depth === 0) return n + 1;
  }
  return events.length;
}

function offsetOf(event: Event | undefined, otherwise = 0): number {
  if (event === undefined) return otherwise;
  if (event.type === EVENT_SCALAR) {
    if (event.valueStart < 0) return otherwise;
    // Quoted and block scalars: the range of the value begins behind the quote or the indicator line.
    return event.style === 2 || event.style === 3 ? event.valueStart - 1 : event.valueStart;
  }
  if (event.type === EVENT_SEQUENCE || event.type === EVENT_MAPPING) return event.start;
  if (event.type === EVENT_ALIAS) return event.anchorStart - 1;
  return otherwise;
}
