import type { FlowFormat, FlowFormatOptions, FlowParser, FlowSink } from './flow-format.ts';
import { AUTHOR, createLogHeads, emptyLogHead } from './log-head.ts';
import { createLogLines } from './log-line.ts';
import { emptyLogPacket, findLogPacket, LOG_READ, readLogPacket } from './log-packet.ts';
import { lineEnd, skipBlanks, withoutReturn } from './scan.ts';

/**
 * Lines of rules that log (iptables LOG, nftables `log`, ufw, firewalld) in a system's log. A line is one packet, and only
 * of those that a rule was told to log, within the rule's limit: what is not there may have been all the same.
 *
 * What became of the packet is what the prefix says (src/flows/log-prefix.ts); the kernel does not write it. Lines of other
 * programs are passed over even where they look like one: anybody can have sshd write a name of their choosing.
 */
function open(sink: FlowSink, options: FlowFormatOptions): FlowParser {
  const heads = createLogHeads(options);
  const head = emptyLogHead();
  const lines = createLogLines(sink, options, 'netfilter-log');

  function one(bytes: Uint8Array, from: number, to: number, line: number): void {
    if (skipBlanks(bytes, from, to) === to) {
      sink.skip('empty lines');
      return;
    }
    heads.read(bytes, from, to, head);
    if (head.author === AUTHOR.program) {
      sink.skip('messages of other programs');
      return;
    }
    lines.host(bytes, head.hostFrom, head.hostTo);
    lines.take(bytes, head.messageAt, to, head.time, head.expected, head.expectedAt, line, from);
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
    end() {},
  };
}

/** UTC milliseconds: more than eight years after 1970, so that each day of a year has a time before it. */
const ANY_TIME = Date.UTC(2000, 0, 1);

/** Somewhere in the beginning is a packet that the kernel logged, in a line with a head of its own. */
function detect(bytes: Uint8Array): boolean {
  // Which year a date without one is of does not matter here; that there is one does.
  const heads = createLogHeads({ reference: ANY_TIME, utcOffsetMinutes: 0 });
  const head = emptyLogHead();
  const packet = emptyLogPacket();
  for (let at = 0; at < bytes.length; ) {
    const end = lineEnd(bytes, at, bytes.length);
    const to = withoutReturn(bytes, at, end);
    heads.read(bytes, at, to, head);
    if (head.author !== AUTHOR.program && (head.author === AUTHOR.kernel || !Number.isNaN(head.time))) {
      const found = findLogPacket(bytes, head.messageAt, to);
      if (found >= 0 && readLogPacket(bytes, found, to, { ipv6: () => 0 }, packet) === LOG_READ.packet) return true;
    }
    at = end + 1;
  }
  return false;
}

export const netfilterLog: FlowFormat = {
  name: 'netfilter-log',
  title: 'packets logged by iptables, nftables, ufw or firewalld, in syslog or dmesg',
  coverage: 'none',
  detect,
  open,
};
