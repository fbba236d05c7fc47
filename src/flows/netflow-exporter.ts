import type { FlowSink } from './flow-format.ts';
import { createSequence, type Sequence } from './netflow-sequence.ts';
import type { Template } from './netflow-template.ts';

/** What is known of one exporter: an address that sends flow records. */
export interface ExporterHealth {
  /** Address. */
  readonly exporter: string;
  /** Name of its feed. */
  readonly feed: string;
  /** NetFlow 5, 9, and 10 for IPFIX. */
  readonly versions: readonly number[];
  readonly datagrams: number;
  readonly records: number;
  /** Known to be lost on the way, by sequence numbers. */
  readonly lostRecords: number;
  /** The same in datagrams, which is what NetFlow v9 counts. */
  readonly lostDatagrams: number;
  /** It began anew so many times; what was lost by that is not known. */
  readonly restarts: number;
  /** Datagrams that came twice; read once. */
  readonly duplicates: number;
  /** Data sets whose template never came: not read. */
  readonly undecoded: number;
  /** Data sets that wait for a template. */
  readonly waiting: number;
  readonly templates: number;
  /** It looks at one packet in so many; packets and bytes are as it reports them. Null: it says nothing of sampling. */
  readonly sampling: number | null;
  /** Seconds that its clock is ahead of this one; its times were moved by that. 0: within the tolerance. */
  readonly clockAhead: number;
  /** UTC seconds, by the clock here. */
  readonly lastSeen: number;
}

/** A data set that came before its template. */
export interface WaitingSet {
  readonly template: number;
  readonly bytes: Uint8Array;
  readonly clock: MessageClock;
  readonly since: number;
}

/** Times of a message, by which those of its records are known. UTC seconds. */
export interface MessageClock {
  /** When it was sent; put right where the exporter's clock is wrong. */
  readonly sentAt: number;
  /** What was added to the exporter's own time to get that. */
  readonly correction: number;
  /** Milliseconds of uptime at `sentAt`, modulo 2^32; null: it does not say. */
  readonly uptime: number | null;
}

/** An observation domain (source id, engine) of an exporter: templates and sequence numbers are its own. */
export interface Domain {
  readonly templates: Map<number, Template>;
  readonly sequence: Sequence;
  waiting: WaitingSet[];
  /** UTC seconds at which its uptime was 0; null: not known. */
  bootedAt: number | null;
}

/** What the sequence numbers of a version count. */
export type Unit = 'records' | 'datagrams';

/** Longest list of anything that an exporter makes us keep. */
export const BOUNDS = {
  exporters: 4_096,
  domains: 64,
  templates: 1_024,
  /** Fields of one template, and of all of an exporter. */
  fields: 1_024,
  allFields: 65_536,
  waitingSets: 1_024,
  waitingBytes: 1_048_576,
  /** Of all exporters. */
  allWaitingBytes: 16_777_216,
  /** Seconds. */
  waitingAge: 900,
  idleAge: 3_600,
} as const;

/** After so many restarts in a row without a number that follows, an exporter is taken to have no sequence numbers. */
const RESTARTS_TO_GIVE_UP = 8;

export class Exporter {
  readonly address: string;
  readonly feed: string;
  readonly domains = new Map<number, Domain>();
  readonly versions = new Set<number>();
  datagrams = 0;
  records = 0;
  lostRecords = 0;
  lostDatagrams = 0;
  restarts = 0;
  duplicates = 0;
  undecoded = 0;
  waitingBytes = 0;
  fields = 0;
  sampling: number | null = null;
  clockAhead = 0;
  lastSeen: number;
  /** Said once, by subject. */
  readonly told = new Set<string>();
  private coveredUntil: number;
  private slotLost: number | null = 0;
  private slotBroken = false;
  private restartsInARow = 0;

  constructor(address: string, now: number) {
    this.address = address;
    this.feed = `netflow:${address}`;
    this.lastSeen = now;
    this.coveredUntil = now;
  }

  /** The domain; null where there are too many. `key`: version and number. */
  domain(key: number): Domain | null {
    const known = this.domains.get(key);
    if (known) return known;
    if (this.domains.size >= BOUNDS.domains) return null;
    const domain: Domain = { templates: new Map(), sequence: createSequence(), waiting: [], bootedAt: null };
    this.domains.set(key, domain);
    return domain;
  }

  /** Follows a sequence number. False: the datagram was here before and is not to be read. */
  begin(domain: Domain, number: number, unit: Unit, clock: MessageClock, hash: number, sink: FlowSink): boolean {
    const restarted = this.noteBoot(domain, clock);
    if (restarted) this.forgetTemplates(domain);
    if (this.restartsInARow >= RESTARTS_TO_GIVE_UP) return true;
    const followed = domain.sequence.begin(number, restarted, hash);
    if (followed.kind === 'duplicate') {
      this.duplicates++;
      return false;
    }
    if (followed.kind === 'restarted') {
      this.restarts++;
      this.restartsInARow++;
      if (this.restartsInARow === RESTARTS_TO_GIVE_UP)
        sink.problem(
          `exporter ${this.address}: its sequence numbers follow no order; what is lost cannot be told`,
          0,
          0,
        );
      this.loseRecords(null);
    } else this.restartsInARow = 0;
    if (followed.kind === 'lost') {
      if (unit === 'records') this.lostRecords += followed.count;
      else this.lostDatagrams += followed.count;
      this.loseRecords(unit === 'records' ? followed.count : null);
    }
    return true;
  }

  /** The datagram was read: `advance` is what it adds to the sequence numbers; null: not known. */
  end(domain: Domain, advance: number | null, unit: Unit): void {
    const found = domain.sequence.end(advance);
    if (found === 0) return;
    if (unit === 'datagrams') this.lostDatagrams -= found;
    else {
      this.lostRecords -= found;
      if (this.slotLost !== null) this.slotLost = Math.max(0, this.slotLost - found);
    }
  }

  private forgetTemplates(domain: Domain): void {
    for (const { reads } of domain.templates.values()) this.fields -= reads.length;
    domain.templates.clear();
  }

  /** Says whether the uptime began anew. The exporter's templates are gone then (RFC 3954, 9). */
  private noteBoot(domain: Domain, clock: MessageClock): boolean {
    if (clock.uptime === null) return false;
    const bootedAt = clock.sentAt - clock.uptime / 1000;
    const before = domain.bootedAt;
    domain.bootedAt = bootedAt;
    if (before === null) return false;
    const moved = bootedAt - before;
    // Uptime wraps at 2^32 ms, which looks like a start that is later by just that.
    return moved > 30 && Math.abs(moved - 4_294_967.296) > 30;
  }

  /** Records of the time since the last report are missing; null: nobody knows how many. */
  loseRecords(count: number | null): void {
    if (count === null || count > 0) this.slotBroken = true;
    this.slotLost = count === null || this.slotLost === null ? null : this.slotLost + count;
  }

  /** Something was heard now: the minute before is over. UTC seconds. */
  heard(now: number, sink: FlowSink): void {
    if (Math.floor(now / 60) !== Math.floor(this.coveredUntil / 60)) this.report(sink);
    this.datagrams++;
    this.lastSeen = Math.max(this.lastSeen, now);
  }

  /** Says what was covered up to the last datagram. Sequence numbers that follow prove that nothing is missing between two. */
  report(sink: FlowSink): void {
    if (this.lastSeen <= this.coveredUntil) return;
    // What was lost came late in this minute, and so on: no loss is left.
    const isGap = this.slotBroken && (this.slotLost === null || this.slotLost > 0);
    const lost = isGap ? this.slotLost : 0;
    sink.coverage(this.feed, this.coveredUntil, this.lastSeen, isGap ? 'gap' : 'delivered', lost);
    this.coveredUntil = this.lastSeen;
    this.slotLost = 0;
    this.slotBroken = false;
  }

  health(): ExporterHealth {
    let templates = 0;
    let waiting = 0;
    for (const domain of this.domains.values()) {
      templates += domain.templates.size;
      waiting += domain.waiting.length;
    }
    return {
      exporter: this.address,
      feed: this.feed,
      versions: [...this.versions].sort((a, b) => a - b),
      datagrams: this.datagrams,
      records: this.records,
      lostRecords: this.lostRecords,
      lostDatagrams: this.lostDatagrams,
      restarts: this.restarts,
      duplicates: this.duplicates,
      undecoded: this.undecoded,
      waiting,
      templates,
      sampling: this.sampling,
      clockAhead: this.clockAhead,
      lastSeen: this.lastSeen,
    };
  }
}
