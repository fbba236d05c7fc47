/** Values of a BSON document that matter here, by name; embedded documents as `outer.inner`. Of bsonspec.org, 1.1. */
export function readBson(data: Buffer, depth = 0): Map<string, string | number | boolean> {
  const values = new Map<string, string | number | boolean>();
  const end = data.readInt32LE(0) - 1;
  let at = 4;
  while (at < end && values.size < 200) {
    const type = data.readUInt8(at);
    const nameEnd = data.indexOf(0, at + 1);
    if (nameEnd < 0) throw new RangeError('a BSON name without an end');
    const name = data.toString('utf8', at + 1, nameEnd);
    at = nameEnd + 1;
    const size = sizeOf(type, data, at);
    if (type === 1) values.set(name, data.readDoubleLE(at));
    if (type === 2) values.set(name, data.toString('utf8', at + 4, at + size - 1));
    if (type === 8) values.set(name, data.readUInt8(at) === 1);
    if (type === 16) values.set(name, data.readInt32LE(at));
    if (type === 3 && depth < 3)
      for (const [inner, value] of readBson(data.subarray(at, at + size), depth + 1))
        values.set(`${name}.${inner}`, value);
    at += size;
  }
  return values;
}

const FIXED: Readonly<Record<number, number>> = { 1: 8, 6: 0, 7: 12, 8: 1, 9: 8, 10: 0, 16: 4, 17: 8, 18: 8, 19: 16 };

function sizeOf(type: number, data: Buffer, at: number): number {
  const fixed = FIXED[type];
  if (fixed !== undefined) return fixed;
  const length = data.readInt32LE(at);
  if (length < 0) throw new RangeError('a negative BSON length');
  if (type === 2) return 4 + length;
  if (type === 3 || type === 4) return Math.max(length, 5);
  if (type === 5) return 5 + length;
  throw new RangeError(`BSON type ${type} is not read`);
}

/** Encodes a document of numbers, texts, booleans and documents. */
export function writeBson(document: Readonly<Record<string, number | string | boolean | object>>): Buffer {
  const parts = Object.entries(document).map(([name, value]) => {
    const key = Buffer.from(`${name}\0`);
    if (typeof value === 'number') return Buffer.concat([Buffer.from([16]), key, int32(value)]);
    if (typeof value === 'boolean') return Buffer.concat([Buffer.from([8]), key, Buffer.from([Number(value)])]);
    if (typeof value === 'string') {
      const text = Buffer.from(`${value}\0`);
      return Buffer.concat([Buffer.from([2]), key, int32(text.length), text]);
    }
    return Buffer.concat([Buffer.from([3]), key, writeBson(value as Record<string, number>)]);
  });
  const body = Buffer.concat([...parts, Buffer.from([0])]);
  return Buffer.concat([int32(body.length + 4), body]);
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return bytes;
}
