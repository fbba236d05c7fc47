const MAGIC = 0x184d2204;
/** Magic numbers of frames that carry something else, 16 of them. */
const SKIPPABLE = 0x184d2a50;
/** How far back a match may reach. */
const WINDOW = 64 * 1024;
/** Blocks are given out together, in pieces of about this size. */
const PIECE = 4 * 1024 * 1024;
const BLOCK_SIZES = [64 * 1024, 256 * 1024, 1024 * 1024, 4 * 1024 * 1024];

/**
 * Content of LZ4 frames (lz4 project, "LZ4 Frame Format" 1.6.2 and "LZ4 Block Format"), in pieces that are valid until
 * the next one is asked for. Throws RangeError where the input is no such frame. Checksums are not looked at.
 */
export function* lz4Pieces(input: Buffer): Generator<Buffer> {
  let at = 0;
  // one for all frames: millions of empty ones fit into a file
  const out = Buffer.allocUnsafeSlow(WINDOW + PIECE + Math.max(...BLOCK_SIZES));
  while (at < input.length) {
    const magic = input.readUInt32LE(at);
    if (magic >= SKIPPABLE && magic <= SKIPPABLE + 15) at += 8 + input.readUInt32LE(at + 4);
    else if (magic === MAGIC) at = yield* frame(input, at + 4, out);
    else throw new RangeError(`byte ${at}: no LZ4 frame`);
  }
}

/** Gives the position after the frame. */
function* frame(input: Buffer, start: number, out: Buffer): Generator<Buffer, number> {
  const flags = input.readUInt8(start);
  const blockSize = BLOCK_SIZES[((input.readUInt8(start + 1) >> 4) & 7) - 4];
  if (flags >> 6 !== 1 || blockSize === undefined) throw new RangeError(`byte ${start}: unknown kind of LZ4 frame`);
  if (flags & 0x01) throw new RangeError(`byte ${start}: LZ4 frame needs a dictionary`);
  let at = start + 3 + (flags & 0x08 ? 8 : 0);
  /** Up to here is what was given out already, kept for matches. */
  let kept = 0;
  let end = 0;
  for (;;) {
    const word = input.readUInt32LE(at);
    at += 4;
    if (word === 0) break;
    const length = word & 0x7fffffff;
    if (length > blockSize || at + length > input.length) throw new RangeError(`byte ${at}: LZ4 block is cut off`);
    const block = input.subarray(at, at + length);
    end = word >>> 31 ? end + block.copy(out, end) : decodeBlock(block, out, end, end + blockSize, at);
    at += length + (flags & 0x10 ? 4 : 0);
    if (end - kept < PIECE) continue;
    yield out.subarray(kept, end);
    kept = Math.min(WINDOW, end);
    out.copyWithin(0, end - kept, end);
    end = kept;
  }
  if (end > kept) yield out.subarray(kept, end);
  return at + (flags & 0x04 ? 4 : 0);
}

/** Decodes a block behind `to`, not beyond `limit`; gives the new end. */
function decodeBlock(block: Buffer, out: Buffer, to: number, limit: number, position: number): number {
  const wrong = (): never => {
    throw new RangeError(`byte ${position}: LZ4 block is damaged`);
  };
  let at = 0;
  let end = to;
  while (at < block.length) {
    const token = block[at++] as number;
    let literals = token >> 4;
    if (literals === 15) {
      let more = 255;
      while (more === 255) {
        more = block[at++] ?? wrong();
        literals += more;
      }
    }
    if (at + literals > block.length || end + literals > limit) wrong();
    if (literals < 24) for (let n = 0; n < literals; n++) out[end + n] = block[at + n] as number;
    else out.set(block.subarray(at, at + literals), end);
    at += literals;
    end += literals;
    if (at === block.length) break; // the last sequence has no match
    if (at + 2 > block.length) wrong();
    const distance = (block[at] as number) | ((block[at + 1] as number) << 8);
    at += 2;
    let length = (token & 15) + 4;
    if (length === 19) {
      let more = 255;
      while (more === 255) {
        more = block[at++] ?? wrong();
        length += more;
      }
    }
    if (distance === 0 || distance > end || end + length > limit) wrong();
    if (distance >= length && length >= 24) out.copyWithin(end, end - distance, end - distance + length);
    else for (let n = 0; n < length; n++) out[end + n] = out[end - distance + n] as number;
    end += length;
  }
  return end;
}
