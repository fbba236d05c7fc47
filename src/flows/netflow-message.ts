import type { FlowSink } from './flow-format.ts';
import type { Exporter, MessageClock } from './netflow-exporter.ts';

/** A datagram while it is read. */
export interface Message {
  readonly bytes: Uint8Array;
  readonly length: number;
  readonly exporter: Exporter;
  /** UTC seconds, by the clock here. */
  readonly receivedAt: number;
  /** Seconds that an exporter's clock may differ before its times are moved; infinite: they never are. */
  readonly clockTolerance: number;
  readonly sink: FlowSink;
  /** Memory that data sets without a template take, all exporters together. */
  readonly budget: { waitingBytes: number };
}

/** Says what is wrong with a datagram. */
export function problem(message: Message, text: string): void {
  message.sink.problem(`exporter ${message.exporter.address}: ${text}`, 0, 0);
}

/** The same, once for each exporter and subject. */
export function problemOnce(message: Message, subject: string, text: string): void {
  const { told } = message.exporter;
  if (told.has(subject) || told.size >= 64) return;
  told.add(subject);
  problem(message, text);
}

/**
 * Times of a message. An exporter whose clock is wrong would put today's flows into other days: where it differs by more
 * than the tolerance, the time of arrival counts, and it is said.
 */
export function clockOf(message: Message, exportedAt: number, uptime: number | null): MessageClock {
  const ahead = exportedAt - message.receivedAt;
  if (Math.abs(ahead) <= message.clockTolerance) {
    message.exporter.clockAhead = 0;
    return { sentAt: exportedAt, correction: 0, uptime };
  }
  message.exporter.clockAhead = Math.round(ahead);
  const by = `${Math.abs(Math.round(ahead))} s ${ahead > 0 ? 'ahead' : 'behind'}`;
  problemOnce(message, 'clock', `its clock is ${by}; its flows are placed by the time they arrived`);
  return { sentAt: message.receivedAt, correction: -ahead, uptime };
}
