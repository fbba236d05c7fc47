/**
 * Flow log formats, each with the roll-up, on one thread: a log of made-up connections in memory, read in pieces of 256 KiB
 * as an import reads it. Medians of million records/s (by the clock, and by the
 * processor time, which other work on the machine disturbs less) and MB/s. Beside Zeek and eve: what splitting at tabs and JSON.parse
 * alone take, without a roll-up. Arguments: records (default 500,000).
 * Fails when a count or a sum is wrong, never because it is slow.
 */
import assert from 'node:assert/strict';
import { conntrackText } from '../src/flows/conntrack-text.ts';
import { eve } from '../src/flows/eve.ts';
import type { FlowFormat } from '../src/flows/flow-format.ts';
import { netfilterLog } from '../src/flows/netfilter-log.ts';
import { nfdumpCsv } from '../src/flows/nfdump-csv.ts';
import { createRollup } from '../src/flows/rollup.ts';
import { zeekJson } from '../src/flows/zeek-json.ts';
import { zeekTsv } from '../src/flows/zeek-tsv.ts';
import { seeded } from './flow-log.ts';
import { median, printTable } from './measure.ts';

const RECORDS = Number(process.argv[2] ?? 500_000);
const ROUNDS = 3;
const PIECE = 256 * 1024;
const FIRST = 1_772_409_600;

interface Made {
  readonly start: number;
  readonly duration: number;
  readonly src: string;
  readonly dst: string;
  readonly srcPort: number;
  readonly dstPort: number;
  readonly packets: number;
  readonly bytes: number;
}

/** Connections of 2,000 hosts to 60,000 services with a skew, 231 a second. */
function* made(records: number): Generator<Made> {
  const random = seeded(20260302);
  const address = (n: number) => `10.${16 + (n >> 8)}.${n & 255}.${((n * 7) % 250) | 1}`;
  for (let n = 0; n < records; n++) {
    const edge = Math.floor(random() ** 3 * 60_000);
    yield {
      start: FIRST + n / 231,
      duration: Math.floor(random() * 60_000) / 1000,
      src: address((edge * 31) % 2000),
      dst: address((edge * 17) % 2000),
      srcPort: 32_768 + Math.floor(random() * 28_000),
      dstPort: [22, 80, 443, 5432, 3306, 8080][edge % 6] as number,
      packets: 1 + Math.floor(random() * 30),
      bytes: 40 + Math.floor(random() * 90_000),
    };
  }
}

const iso = (seconds: number) => `${new Date(seconds * 1000).toISOString().slice(0, -1)}000+0000`;
const ZEEK_HEAD =
  '#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tconn\n#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tservice\tduration\torig_bytes\tresp_bytes\tconn_state\tlocal_orig\tlocal_resp\tmissed_bytes\thistory\torig_pkts\torig_ip_bytes\tresp_pkts\tresp_ip_bytes\ttunnel_parents\n';
const NFDUMP_HEAD = 'ts,te,td,sa,da,sp,dp,pr,flg,fwd,stos,ipkt,ibyt,opkt,obyt,in,out,sas,das\n';

const formats: {
  format: FlowFormat;
  head: string;
  line: (m: Made, n: number) => string;
  alone?: (line: string) => unknown;
}[] = [
  {
    format: zeekTsv,
    head: ZEEK_HEAD,
    line: (m, n) =>
      `${m.start.toFixed(6)}\tC${n.toString(36)}aVGS1DHFjwGM9\t${m.src}\t${m.srcPort}\t${m.dst}\t${m.dstPort}\ttcp\tssl\t${m.duration.toFixed(6)}\t${m.bytes >> 3}\t${m.bytes >> 1}\tSF\tT\tT\t0\tShADadFf\t${m.packets}\t${m.bytes}\t0\t0\t-`,
    alone: (line) => line.split('\t'),
  },
  {
    format: zeekJson,
    head: '',
    line: (m, n) =>
      `{"ts":${m.start.toFixed(6)},"uid":"C${n.toString(36)}aVGS1DHFjwGM9","id.orig_h":"${m.src}","id.orig_p":${m.srcPort},"id.resp_h":"${m.dst}","id.resp_p":${m.dstPort},"proto":"tcp","service":"ssl","duration":${m.duration},"orig_bytes":${m.bytes >> 3},"resp_bytes":${m.bytes >> 1},"conn_state":"SF","local_orig":true,"local_resp":true,"missed_bytes":0,"history":"ShADadFf","orig_pkts":${m.packets},"orig_ip_bytes":${m.bytes},"resp_pkts":0,"resp_ip_bytes":0}`,
    alone: JSON.parse,
  },
  {
    format: eve,
    head: '',
    line: (m, n) =>
      `{"timestamp":"${iso(m.start + m.duration)}","flow_id":${n * 7919},"in_iface":"eth0","event_type":"flow","src_ip":"${m.src}","src_port":${m.srcPort},"dest_ip":"${m.dst}","dest_port":${m.dstPort},"proto":"TCP","app_proto":"tls","flow":{"pkts_toserver":${m.packets},"pkts_toclient":0,"bytes_toserver":${m.bytes},"bytes_toclient":0,"start":"${iso(m.start)}","end":"${iso(m.start + m.duration)}","age":${Math.floor(m.duration)},"state":"closed","reason":"timeout","alerted":false},"community_id":"1:LQU9qZlK+B5F3KDmev6m5PMibrg=","tcp":{"tcp_flags":"1b","tcp_flags_ts":"1b","tcp_flags_tc":"1b","syn":true,"fin":true,"psh":true,"ack":true,"state":"closed"}}`,
    alone: JSON.parse,
  },
  {
    format: netfilterLog,
    head: '',
    line: (m, n) =>
      `${iso(m.start)} gw-1 kernel: [${n}.678901] [UFW BLOCK] IN=eth0 OUT= MAC=02:42:ac:11:00:02:02:42:ac:11:00:03:08:00 SRC=${m.src} DST=${m.dst} LEN=${m.bytes & 1023} TOS=0x00 PREC=0x00 TTL=51 ID=${n & 65535} DF PROTO=TCP SPT=${m.srcPort} DPT=${m.dstPort} WINDOW=64240 RES=0x00 SYN URGP=0`,
  },
  {
    format: conntrackText,
    head: '',
    line: (m) =>
      `[${m.start.toFixed(6)}]\t[DESTROY] ipv4     2 tcp      6 src=${m.src} dst=${m.dst} sport=${m.srcPort} dport=${m.dstPort} packets=${m.packets} bytes=${m.bytes} src=${m.dst} dst=${m.src} sport=${m.dstPort} dport=${m.srcPort} packets=0 bytes=0 [ASSURED] delta-time=0`,
  },
  {
    format: nfdumpCsv,
    head: NFDUMP_HEAD,
    line: (m) => {
      const at = new Date(m.start * 1000).toISOString().slice(0, 19).replace('T', ' ');
      return `${at},${at},${m.duration.toFixed(3)},${m.src},${m.dst},${m.srcPort},${m.dstPort},TCP,...AP.SF,0,0,${m.packets},${m.bytes},0,0,1,2,0,0`;
    },
  },
];

const wanted = { packets: 0, bytes: 0, logged: 0 };
for (const { packets, bytes } of made(RECORDS)) {
  wanted.packets += packets;
  wanted.bytes += bytes;
  wanted.logged += bytes & 1023;
}

/** Pieces of whole lines, as an import has them. */
function piecesOf(input: Buffer): [number, number][] {
  const pieces: [number, number][] = [];
  for (let from = 0; from < input.length; ) {
    const to = Math.min(input.length, input.lastIndexOf(10, Math.min(from + PIECE, input.length) - 1) + 1);
    pieces.push([from, to]);
    from = to;
  }
  return pieces;
}

const rows: string[][] = [];
for (const { format, head, line, alone } of formats) {
  const parts: Buffer[] = [Buffer.from(head)];
  let texts: string[] = [];
  let n = 0;
  for (const one of made(RECORDS)) {
    texts.push(`${line(one, n++)}\n`);
    if (texts.length === 10_000) parts.push(Buffer.from(texts.splice(0).join('')));
  }
  parts.push(Buffer.from(texts.join('')));
  texts = [];
  const input = Buffer.concat(parts);
  parts.length = 0;
  const pieces = piecesOf(input);
  const times: number[] = [];
  const cpu: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const rollup = createRollup({
      services: null,
      feed: 'bench',
      format: format.name,
      now: () => (FIRST + 1e8) * 1000,
      onFlush: (batch) => rollup.recycle(batch),
      onProblem: (message, at) => assert.fail(`${at}: ${message}`),
    });
    const started = performance.now();
    const before = process.cpuUsage();
    const parser = format.open(rollup, {
      reference: (FIRST + 1e6) * 1000,
      utcOffsetMinutes: 0,
      mapping: new Map(),
      prefixes: new Map(),
    });
    let at = 1;
    for (const [from, to] of pieces) at += parser.lines(input, from, to, at);
    parser.end();
    rollup.flush();
    times.push(performance.now() - started);
    const { user, system } = process.cpuUsage(before);
    cpu.push((user + system) / 1e3);
    const { records, packets, bytes } = rollup.counts;
    const want = format === netfilterLog ? [RECORDS, RECORDS, wanted.logged] : [RECORDS, wanted.packets, wanted.bytes];
    assert.deepEqual([records, packets, bytes], want, format.name);
  }
  let beside = '';
  if (alone) {
    const sample = input.subarray(head.length, 50_000_000).toString('latin1').split('\n').slice(0, 100_000);
    const lines = sample.filter((text) => text.length > 0 && text !== sample.at(-1));
    const before = process.cpuUsage();
    for (const text of lines) alone(text);
    beside = (lines.length / process.cpuUsage(before).user).toFixed(2);
  }
  const seconds = median(times) / 1e3;
  rows.push([
    format.name,
    (RECORDS / seconds / 1e6).toFixed(2),
    (RECORDS / median(cpu) / 1e3).toFixed(2),
    (input.length / seconds / 1e6).toFixed(0),
    (input.length / RECORDS).toFixed(0),
    beside,
  ]);
}
printTable(
  [`${RECORDS} records`, 'M records/s', 'per second of CPU', 'MB/s', 'bytes each', 'split or JSON.parse alone, CPU'],
  rows,
);
