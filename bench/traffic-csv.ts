/** Reads somebody's flows, as CSV with the header of `flows import --as csv`, as an estate. For data of megabytes, not of gigabytes. */
import { createReadStream, existsSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { parseAddress } from '../src/model/address.ts';
import { ACTION, BUCKET_SECONDS } from '../src/model/flow.ts';
import { getOrMake } from '../src/util/get-or-make.ts';
import { randomOf } from './random.ts';
import { assembleFor, type Estate, ipv4Table, type Label, type Row } from './traffic-estate.ts';

const HEADER = 'start,end,src,dst,src_port,dst_port,protocol,action,packets,bytes';
const DAY = 86_400;

interface ReadPort {
  readonly destination: string;
  readonly protocol: number;
  readonly port: number;
  readonly buckets: Map<number, Map<string, Row>>;
}

export async function csvEstate(files: readonly string[], labelsFile: string): Promise<Estate> {
  const ports = new Map<string, ReadPort>();
  let first = Number.POSITIVE_INFINITY;
  let last = 0;
  for (const file of files) {
    let number = 0;
    for await (const line of createInterface({ input: createReadStream(file) })) {
      number++;
      if (number === 1) {
        if (line !== HEADER) throw new Error(`${file}:1: expected the header ${HEADER}`);
        continue;
      }
      const [start, , src = '', dst = '', , port, protocol, action, , bytes] = line.split(',');
      const source = parseAddress(src);
      const time = Number(start);
      if (source?.family !== 'ipv4' || !(time > 0))
        throw new Error(`${file}:${number}: expected a flow between IPv4 addresses`);
      const bucket = Math.floor(time / BUCKET_SECONDS);
      first = Math.min(first, time);
      last = Math.max(last, time);
      const own = getOrMake(ports, `${dst} ${protocol} ${port}`, () => ({
        ...{ destination: dst, protocol: Number(protocol), port: Number(port), buckets: new Map() },
      }));
      const rows = getOrMake(own.buckets, bucket, () => new Map<string, Row>());
      const code = action === 'deny' ? ACTION.denied : ACTION.accepted;
      const row = getOrMake(rows, `${source.value} ${code}`, () => ({
        ...{ source: source.value, action: code, connections: 0, bytes: 0 },
      }));
      row.connections++;
      row.bytes += Number(bytes);
    }
  }
  const historyFrom = Math.floor(first / DAY) * DAY;
  const until = Math.ceil((last + 1) / BUCKET_SECONDS) * BUCKET_SECONDS;
  const list = [...ports.values()];
  const keys = [...ports.keys()];
  return {
    ...{ name: 'csv', seed: 0, historyFrom, until, ports: list.length, table: ipv4Table, events: [] },
    from: Math.max(historyFrom, Math.floor((until - 7 * DAY) / DAY) * DAY),
    keyOf: (n) => list[n] as ReadPort,
    labels: labelsOf(labelsFile, keys),
    traffic: (n) => {
      const { buckets, ...key } = list[n] as ReadPort;
      const rows = (b: number) => [...(buckets.get(historyFrom / BUCKET_SECONDS + b)?.values() ?? [])];
      const length = Math.ceil((until - historyFrom) / BUCKET_SECONDS);
      return assembleFor(key, historyFrom, length, rows, undefined, randomOf(1));
    },
  };
}

function labelsOf(file: string, keys: readonly string[]): Label[] {
  if (!existsSync(file)) return [];
  const given = JSON.parse(readFileSync(file, 'utf8')) as {
    readonly kind: Label['kind'];
    readonly host: string;
    readonly port: number;
    readonly protocol: number;
    readonly source?: string;
    readonly from: number;
    readonly to: number;
  }[];
  return given.map(({ kind, host, port, protocol, source, from, to }) => {
    const address = source === undefined ? null : parseAddress(source);
    const at = keys.indexOf(`${host} ${protocol} ${port}`);
    return {
      // A port without any flow (a label of silence, or a slip of the pen) is one that nothing is told of.
      ...{ kind, from, to, ports: at < 0 ? [] : [at] },
      source: address?.family === 'ipv4' ? address.value : -1,
    };
  });
}
