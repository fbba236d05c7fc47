import type { Address } from '../model/address.ts';
import { type AddressSet, difference, EMPTY, intersection, isEmpty, union } from '../model/address-set.ts';
import type {
  AddressBounds,
  AdmissionPath,
  DecidingPart,
  LayerAdmission,
  RuleReference,
  UndecidedPart,
} from '../model/admission.ts';
import type { NumberRange } from '../model/ruleset.ts';
import { addAll } from '../util/add-all.ts';
import { either } from './address-bounds.ts';
import type { Decision, Undecided, WalkRecord } from './chain-walk.ts';
import type { CompiledLayer } from './compile.ts';
import type { AddressClass } from './packet-classes.ts';
import type { PeerSpace } from './peer-space.ts';
import { type PipelineResult, peersOf } from './pipeline.ts';

/** What one class of packets comes to: bounds of both questions, by the deliveries that count. */
export interface ClassAnswer {
  readonly admitted: AddressBounds;
  readonly completes: AddressBounds;
  readonly logged: AddressSet;
  /** It hangs on the client's port. */
  readonly dependsOnPort: boolean;
  readonly detail: ClassDetail | null;
}

export interface ClassDetail {
  readonly layer: CompiledLayer;
  readonly space: PeerSpace;
  readonly result: PipelineResult;
  readonly record: WalkRecord;
}

/** A class of packets, ready to be sent. */
export interface Question {
  readonly protocol: number;
  readonly address: AddressClass;
  readonly iif: string | null;
  readonly port: number;
  readonly peerPort: NumberRange;
  readonly explain: boolean;
  /** Only what ends at the port of a socket counts; null: whatever is let through. */
  readonly socket: { readonly addresses: AddressSet | null; readonly port: number } | null;
}

/** Answers of the layers about one class of packets. */
export interface Sum {
  readonly answer: ClassAnswer;
  readonly parts: ReadonlyArray<{ readonly layer: CompiledLayer; readonly answer: ClassAnswer }>;
}

/** A class with its answer: where witnesses are taken from. */
export interface Sample {
  readonly question: Pick<Question, 'address' | 'iif' | 'port' | 'peerPort'>;
  readonly admitted: AddressBounds;
  readonly completes: AddressBounds;
}

/** Sums up classes: whoever is let in somehow is let in. */
export class Total {
  admitted: AddressBounds = { lower: EMPTY, upper: EMPTY };
  completes: AddressBounds = { lower: EMPTY, upper: EMPTY };
  logged: AddressSet = EMPTY;
  readonly samples: Sample[] = [];
  readonly #explain: boolean;
  readonly #deciding = new Map<string, DecidingPart>();
  readonly #undecided = new Map<string, UndecidedPart>();
  readonly #layers = new Map<string, LayerAdmission>();
  readonly #paths = new Map<string, AdmissionPath>();

  constructor(explain: boolean) {
    this.#explain = explain;
  }

  addSum({ answer, parts }: Sum, question: Question): void {
    this.admitted = either(this.admitted, answer.admitted);
    this.completes = either(this.completes, answer.completes);
    this.logged = union(this.logged, answer.logged);
    if (!this.#explain) return;
    const { address, iif, port, peerPort } = question;
    const { admitted, completes } = answer;
    this.samples.push({ question: { address, iif, port, peerPort }, admitted, completes });
    for (const { layer, answer: own } of parts) {
      this.#addLayer({ ...own, layer: layer.layer.id, title: layer.layer.title });
      if (own.detail) this.#addDetail(own.detail, question, answer);
    }
  }

  /** Adds sources that may be let in a way that was not followed. */
  addOpen(sources: AddressSet, rule: RuleReference, reason: string): void {
    this.admitted = either(this.admitted, { lower: EMPTY, upper: sources });
    this.completes = either(this.completes, { lower: EMPTY, upper: sources });
    if (this.#explain) this.#addUndecided(`${rule.layer} ${rule.id} ${reason}`, { sources, rule, reason });
  }

  /** Adds what was asked of several interfaces; where only one of them need exist, only what all say is certain. */
  add(parts: readonly Total[], isKnown: boolean): void {
    const sum = (pick: (part: Total) => AddressBounds): AddressBounds => {
      const upper = parts.map((part) => pick(part).upper).reduce(union, EMPTY);
      const lowers = parts.map((part) => pick(part).lower);
      return { lower: lowers.length === 0 ? EMPTY : lowers.reduce(isKnown ? union : intersection), upper };
    };
    this.admitted = either(
      this.admitted,
      sum((part) => part.admitted),
    );
    this.completes = either(
      this.completes,
      sum((part) => part.completes),
    );
    for (const part of parts) {
      this.logged = union(this.logged, part.logged);
      addAll(this.samples, part.samples);
      for (const layer of part.#layers.values()) this.#addLayer(layer);
      for (const [key, item] of part.#deciding) this.#addDeciding(key, item);
      for (const [key, item] of part.#undecided) this.#addUndecided(key, item);
      for (const [key, item] of part.#paths) this.#addPath(key, item);
    }
    if (!isKnown && parts.length > 1 && this.#explain) this.#noteInterfaces(parts);
  }

  #noteInterfaces(parts: readonly Total[]): void {
    const open = difference(
      parts.map((part) => part.admitted.upper).reduce(union, EMPTY),
      parts.map((part) => part.admitted.lower).reduce(intersection),
    );
    if (isEmpty(open)) return;
    for (const [key, part] of this.#deciding)
      this.#addUndecided(`iif ${key}`, {
        ...{ sources: intersection(part.sources, open), rule: part.rule },
        reason: 'which interfaces the host has is not known (no output of ip -j was given)',
      });
  }

  #addLayer(layer: Pick<LayerAdmission, 'layer' | 'title' | 'admitted' | 'completes'>): void {
    const known = this.#layers.get(layer.layer);
    const { admitted, completes, title } = layer;
    this.#layers.set(layer.layer, {
      ...{ layer: layer.layer, title },
      admitted: known ? either(known.admitted, admitted) : admitted,
      completes: known ? either(known.completes, completes) : completes,
    });
  }

  #addDetail(
    { layer, space, record, result }: ClassDetail,
    question: Question,
    { admitted, completes }: Pick<ClassAnswer, 'admitted' | 'completes'>,
  ): void {
    for (const decision of record.decisions?.values() ?? []) {
      const sources = this.#decided(decision, space, admitted);
      if (sources === null || isEmpty(sources)) continue;
      const { rule, verdict } = decision;
      this.#addDeciding(`${rule.layer} ${rule.id} ${verdict}`, { sources, rule, verdict });
    }
    const open = union(difference(admitted.upper, admitted.lower), difference(completes.upper, completes.lower));
    for (const doubt of record.undecided?.values() ?? []) this.#addDoubt(doubt, space, open);
    if (layer.layer.kind !== 'linux') return;
    for (const delivery of result.deliveries) {
      const peers = peersOf(delivery.flows, space.size);
      const upper = intersection(space.addressesOf(peers), admitted.upper);
      const path: AdmissionPath = {
        ...{ address: question.address.address, port: question.port },
        deliveredTo: {
          address: onlyAddress(delivery.address),
          port: delivery.port.from,
          local: delivery.local,
        },
        by: record.translations[delivery.nat]?.rule ?? null,
        admitted: { lower: intersection(upper, admitted.lower), upper },
      };
      this.#addPath(
        `${path.address?.value ?? ''} ${path.port} ${path.by?.id ?? ''} ${path.deliveredTo.address?.value ?? ''} ${path.deliveredTo.port} ${path.deliveredTo.local}`,
        path,
      );
    }
  }

  /** Sources a decision counts for: an accept only if nothing else keeps them out. */
  #decided({ verdict, hook, rule, peers }: Decision, space: PeerSpace, admitted: AddressBounds): AddressSet | null {
    const sources = space.addressesOf(peers);
    if (verdict !== 'accept') return sources;
    if (hook !== 'input' && hook !== 'forward') return null;
    if (rule.position === 0 && rule.text === 'policy accept') return intersection(sources, admitted.upper);
    return intersection(sources, admitted.upper);
  }

  #addDoubt({ rule, reason, peers }: Undecided, space: PeerSpace, open: AddressSet): void {
    const sources = intersection(space.addressesOf(peers), open);
    if (!isEmpty(sources)) this.#addUndecided(`${rule.layer} ${rule.id} ${reason}`, { sources, rule, reason });
  }

  #addDeciding(key: string, part: DecidingPart): void {
    const known = this.#deciding.get(key);
    this.#deciding.set(key, known ? { ...known, sources: union(known.sources, part.sources) } : part);
  }

  #addUndecided(key: string, part: UndecidedPart): void {
    if (isEmpty(part.sources)) return;
    const known = this.#undecided.get(key);
    this.#undecided.set(key, known ? { ...known, sources: union(known.sources, part.sources) } : part);
  }

  #addPath(key: string, path: AdmissionPath): void {
    const known = this.#paths.get(key);
    this.#paths.set(key, known ? { ...known, admitted: either(known.admitted, path.admitted) } : path);
  }

  deciding(): DecidingPart[] {
    const parts = [...this.#deciding.values()];
    // chains that let everything through decide nothing where another one does
    const isPlain = (part: DecidingPart) => part.verdict === 'accept' && part.rule.position === 0;
    const others = parts.filter((part) => !isPlain(part));
    const spoken = others
      .filter((part) => part.verdict === 'accept')
      .reduce((set, part) => union(set, part.sources), EMPTY);
    const policies = parts
      .filter(isPlain)
      .map((part) => ({ ...part, sources: difference(part.sources, spoken) }))
      .filter((part) => !isEmpty(part.sources));
    return [...others, ...policies].sort((a, b) => compareStarts(a.sources, b.sources) || compareRules(a.rule, b.rule));
  }

  undecided(): UndecidedPart[] {
    return [...this.#undecided.values()].sort((a, b) => compareRules(a.rule, b.rule));
  }

  layers(): LayerAdmission[] {
    return [...this.#layers.values()];
  }

  paths(): AdmissionPath[] {
    return [...this.#paths.values()];
  }
}

function compareRules(a: RuleReference, b: RuleReference): number {
  if (a.layer !== b.layer) return a.layer < b.layer ? -1 : 1;
  if (a.chain !== b.chain) return a.chain < b.chain ? -1 : 1;
  return a.position - b.position;
}

/** By the first address, IPv4 first. */
function compareStarts(a: AddressSet, b: AddressSet): number {
  const [a4, b4] = [a.ipv4[0] ?? Number.POSITIVE_INFINITY, b.ipv4[0] ?? Number.POSITIVE_INFINITY];
  if (a4 !== b4) return a4 < b4 ? -1 : 1;
  const [a6, b6] = [a.ipv6[0], b.ipv6[0]];
  if (a6 === b6) return 0;
  if (a6 === undefined) return 1;
  return b6 === undefined || a6 < b6 ? -1 : 1;
}

function onlyAddress(set: AddressSet | null): Address | null {
  if (set === null) return null;
  const [first4, end4] = set.ipv4;
  if (first4 !== undefined && end4 === first4 + 1 && set.ipv4.length === 2 && set.ipv6.length === 0)
    return { family: 'ipv4', value: first4 };
  const [first6, end6] = set.ipv6;
  if (first6 !== undefined && end6 === first6 + 1n && set.ipv6.length === 2 && set.ipv4.length === 0)
    return { family: 'ipv6', value: first6 };
  return null;
}
