import type { FlowSink } from './flow-format.ts';
import { readIpfix } from './ipfix.ts';
import { u16 } from './netflow-bytes.ts';
import { BOUNDS, Exporter, type ExporterHealth } from './netflow-exporter.ts';
import type { Message } from './netflow-message.ts';
import { readV5 } from './netflow-v5.ts';
import { readV9 } from './netflow-v9.ts';

export interface NetflowOptions {
  /** Seconds that an exporter's clock may differ before its flows are placed by their arrival; default 300; infinite: never. */
  readonly clockTolerance?: number;
}

/** Reads datagrams of NetFlow v5, v9 and IPFIX of any number of exporters. Memory is bounded whatever they send. */
export interface NetflowReader {
  /** Reads bytes[0, length), which `exporter` (an address) sent. `receivedAt`: UTC seconds. Never throws because of what they are. */
  datagram(bytes: Uint8Array, length: number, exporter: string, receivedAt: number): void;
  /**
   * Says what was covered so far, and gives up on what has waited for a template for 15 minutes; `isOver`: on all of it.
   * `now`: UTC seconds.
   */
  report(now: number, isOver?: boolean): void;
  /** Exporters, by address. */
  health(): readonly ExporterHealth[];
  /** Datagrams of addresses beyond the 4,096 that are kept apart: not read. */
  readonly refused: number;
}

export function createNetflowReader(sink: FlowSink, options: NetflowOptions = {}): NetflowReader {
  const exporters = new Map<string, Exporter>();
  const budget = { waitingBytes: 0 };
  const clockTolerance = options.clockTolerance ?? 300;
  let feed = '';
  let refused = 0;
  let refusedAndTold = 0;

  /** The exporter; null where there are too many that were heard of in the last hour. */
  function exporterOf(address: string, now: number): Exporter | null {
    const known = exporters.get(address);
    if (known) return known;
    if (exporters.size >= BOUNDS.exporters) forgetIdle(now);
    if (exporters.size >= BOUNDS.exporters) return null;
    const exporter = new Exporter(address, now);
    exporters.set(address, exporter);
    return exporter;
  }

  function forgetIdle(now: number): void {
    for (const exporter of exporters.values()) {
      if (exporter.lastSeen > now - BOUNDS.idleAge) continue;
      exporter.report(sink);
      giveUpWaiting(exporter, Number.POSITIVE_INFINITY);
      exporters.delete(exporter.address);
    }
  }

  function giveUpWaiting(exporter: Exporter, before: number): void {
    let count = 0;
    for (const domain of exporter.domains.values()) {
      const old = domain.waiting.filter((set) => set.since < before);
      if (old.length === 0) continue;
      domain.waiting = domain.waiting.filter((set) => set.since >= before);
      count += old.length;
      for (const { bytes } of old) {
        exporter.waitingBytes -= bytes.length;
        budget.waitingBytes -= bytes.length;
      }
    }
    if (count === 0) return;
    exporter.undecoded += count;
    exporter.loseRecords(null);
    sink.problem(
      `exporter ${exporter.address}: the template of ${count} data sets never came; they are not read`,
      0,
      0,
    );
  }

  return {
    get refused() {
      return refused;
    },
    datagram(bytes, length, address, receivedAt) {
      const version = length >= 2 ? u16(bytes, 0) : -1;
      if (version !== 5 && version !== 9 && version !== 10) {
        sink.problem(
          `exporter ${address}: NetFlow v5, v9 or IPFIX was expected, not ${describe(version, length)}`,
          0,
          0,
        );
        return;
      }
      const exporter = exporterOf(address, receivedAt);
      if (!exporter) {
        refused++;
        return;
      }
      if (feed !== exporter.feed) {
        feed = exporter.feed;
        sink.feed(feed);
      }
      exporter.heard(receivedAt, sink);
      exporter.versions.add(version);
      const message: Message = { bytes, length, exporter, receivedAt, clockTolerance, sink, budget };
      if (version === 5) readV5(message);
      else if (version === 9) readV9(message);
      else readIpfix(message);
    },
    report(now, isOver = false) {
      if (refused > refusedAndTold)
        sink.problem(
          `${refused - refusedAndTold} datagrams of further senders were not read: ${BOUNDS.exporters} are kept apart; name your exporters with --from`,
          0,
          0,
        );
      refusedAndTold = refused;
      for (const exporter of exporters.values()) {
        giveUpWaiting(exporter, isOver ? Number.POSITIVE_INFINITY : now - BOUNDS.waitingAge);
        exporter.report(sink);
      }
    },
    health: () => [...exporters.values()].map((exporter) => exporter.health()),
  };
}

function describe(version: number, length: number): string {
  return version < 0 ? `${length} bytes` : `version ${version}`;
}
