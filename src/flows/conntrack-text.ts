import { ACTION, DIRECTION } from '../model/flow.ts';
import {
  CONNTRACK_EVENT,
  CONNTRACK_READ,
  type ConntrackLine,
  emptyConntrackLine,
  readConntrackLine,
} from './conntrack-line.ts';
import type { FlowFormat, FlowFormatOptions, FlowParser, FlowSink } from './flow-format.ts';
import { createOpenConnections } from './open-connections.ts';
import { ascii, lineEnd, quoteAt, skipBlanks, startsWith, withoutReturn } from './scan.ts';

/** What conntrack-tools say on standard error. The first: events were lost. */
const ownMessages = [
  'WARNING: We have hit ENOBUFS!',
  'This message means that the current netlink',
  'Please, check --buffer-size',
  'conntrack v',
].map(ascii);
const LOST = 0;
const FEED = 'conntrack';
const NO_ADDRESSES = { ipv6: () => 0 };

/**
 * Lines of conntrack-tools. That the table has a connection means that this host's packet filter let it pass: a packet
 * that is dropped leaves no entry. So each is accepted, whatever the service made of it then.
 *
 * Who opened it is the original direction; the service is who answers, which behind a destination NAT is not whom the
 * client asked. NEW counts the connection; DESTROY adds packets and bytes in the bucket of its beginning, and counts it
 * where its NEW was not seen. A listing counts what it is the first to show. UPDATE says nothing new.
 */
function open(sink: FlowSink, options: FlowFormatOptions): FlowParser {
  const known = createOpenConnections();
  const line = emptyConntrackLine();
  const { record } = sink;
  let lastTime = Number.NaN;
  let isGapOpen = false;
  sink.feed(FEED);

  function count(read: ConntrackLine): void {
    const { event, time, age } = read;
    const now = event === CONNTRACK_EVENT.listing && Number.isNaN(time) ? options.reference / 1000 : time;
    let place = event === CONNTRACK_EVENT.new ? -1 : known.find(read.key);
    const isFirst = place < 0;
    if (isFirst && event !== CONNTRACK_EVENT.destroy) place = known.remember(read.key, age >= 0 ? now - age : now);
    record.start = place >= 0 ? (known.start[place] as number) : age >= 0 ? now - age : now;
    record.end = Math.max(now, record.start);
    record.src = read.client;
    record.srcPort = read.clientPort;
    record.dst = read.service;
    record.dstPort = read.servicePort;
    record.protocol = read.protocol;
    record.action = ACTION.accepted;
    record.direction = DIRECTION.forward;
    record.connections = isFirst ? 1 : 0;
    record.packets = place < 0 ? read.packets : Math.max(0, read.packets - (known.packets[place] as number));
    record.bytes = place < 0 ? read.bytes : Math.max(0, read.bytes - (known.bytes[place] as number));
    if (place >= 0) {
      known.packets[place] = read.packets;
      known.bytes[place] = read.bytes;
      if (event === CONNTRACK_EVENT.destroy) known.forget(place);
    }
    sink.add();
  }

  function closeGap(until: number): void {
    if (!isGapOpen) return;
    sink.coverage(FEED, Number.isNaN(lastTime) ? until : lastTime, until, 'gap', null);
    isGapOpen = false;
  }

  function one(bytes: Uint8Array, from: number, to: number, number: number): void {
    const own = ownMessages.findIndex((text) => startsWith(bytes, from, to, text));
    if (own >= 0) {
      isGapOpen ||= own === LOST;
      sink.skip('messages of conntrack');
      return;
    }
    if (skipBlanks(bytes, from, to) === to) {
      sink.skip('empty lines');
      return;
    }
    const result = readConntrackLine(bytes, from, to, sink.ids, line);
    if (result === CONNTRACK_READ.expectation) sink.skip('expected connections');
    else if (result === CONNTRACK_READ.unreadable) {
      const found = quoteAt(bytes, line.problemAt, to);
      sink.problem(`expected ${line.problem}, found "${found}"`, number, line.problemAt - from + 1);
    } else if (line.event === CONNTRACK_EVENT.update) sink.skip('updates of connections');
    else if (line.event === CONNTRACK_EVENT.listing) count(line);
    else if (Number.isNaN(line.time)) {
      sink.problem('expected a time between brackets (conntrack -E -o timestamp)', number, 1);
    } else {
      closeGap(line.time);
      lastTime = line.time;
      count(line);
    }
  }

  return {
    lines(bytes, from, to, number) {
      let read = 0;
      for (let at = from; at < to; read++) {
        const end = lineEnd(bytes, at, to);
        one(bytes, at, withoutReturn(bytes, at, end), number + read);
        at = end + 1;
      }
      return read;
    },
    end() {
      if (!Number.isNaN(lastTime)) closeGap(lastTime);
    },
  };
}

/** One of the first lines is one of conntrack's. */
function detect(head: Uint8Array): boolean {
  const line = emptyConntrackLine();
  let at = 0;
  for (let n = 0; n < 20 && at < head.length; n++) {
    const end = lineEnd(head, at, head.length);
    const to = withoutReturn(head, at, end);
    if (readConntrackLine(head, at, to, NO_ADDRESSES, line) === CONNTRACK_READ.connection) return true;
    at = end + 1;
  }
  return false;
}

export const conntrackText: FlowFormat = {
  name: 'conntrack',
  title: 'conntrack -E -o timestamp,extended and conntrack -L, text',
  detect,
  open,
};
