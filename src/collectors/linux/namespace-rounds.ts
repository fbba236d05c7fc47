import { type Scope, UNKNOWN_SCOPE } from '../../model/endpoint.ts';
import type { Gap } from '../../model/observation.ts';
import type { ReadScope } from './coverage.ts';

/** What looks so far amount to, each namespace at its newest. */
export interface RoundsTogether {
  /** Namespaces that are there and were read. */
  readonly read: readonly ReadScope[];
  readonly gaps: readonly Gap[];
  /** Scopes that were read once and are there no more. */
  readonly gone: readonly Scope[];
  /** Every namespace that is there was read. */
  readonly isEveryRead: boolean;
  /** Every one was read since the last look of which this was said. */
  readonly isWhole: boolean;
}

/** Which namespaces a look reads first, and what earlier looks said of the others. Computes only. */
export interface NamespaceRounds {
  /** Begins a look: the host's own first, then those never read, those of `first`, then the others, oldest look first. */
  readonly begin: (ids: Iterable<string>, hostId: string | undefined, first: ReadonlySet<Scope>) => readonly string[];
  /** A namespace was tried; `read` is absent where its last process had ended. */
  readonly tried: (id: string, read?: ReadScope) => void;
  /** Something could not be seen in a scope of this look. */
  readonly gap: (scope: Scope, gap: Gap) => void;
  /** Ends a look. `names`: of every namespace that is there. */
  readonly end: (names: ReadonlyMap<string, Scope>) => RoundsTogether;
}

interface Known {
  /** Number of the look that tried it last. */
  look: number;
  read: ReadScope | undefined;
  gaps: Gap[];
}

export function createNamespaceRounds(): NamespaceRounds {
  const known = new Map<string, Known>();
  let reported = new Set<Scope>();
  let present: readonly string[] = [];
  let look = 0;
  let wholeAt = 0;

  return {
    begin: (ids, hostId, first) => {
      look++;
      present = [...ids];
      const there = new Set(present);
      for (const id of known.keys()) if (!there.has(id)) known.delete(id);
      const rank = (id: string) => {
        if (id === hostId) return -3;
        const before = known.get(id);
        if (before === undefined) return -2;
        return first.has(before.read?.scope ?? UNKNOWN_SCOPE) ? -1 : before.look;
      };
      const ranks = new Map(present.map((id) => [id, rank(id)]));
      return present.toSorted((a, b) => (ranks.get(a) as number) - (ranks.get(b) as number));
    },
    tried: (id, read) => {
      known.set(id, { look, read, gaps: [] });
    },
    gap: (scope, gap) => {
      for (const one of known.values()) if (one.look === look && one.read?.scope === scope) one.gaps.push(gap);
    },
    end: (names) => {
      const read: ReadScope[] = [];
      const gaps: Gap[] = [];
      for (const [id, { read: was, gaps: own }] of known) {
        const scope = names.get(id);
        if (was === undefined || scope === undefined) continue;
        read.push({ scope, unread: was.unread });
        gaps.push(...own);
      }
      const now = new Set(names.values());
      const gone = [...reported].filter((scope) => !now.has(scope));
      reported = new Set(read.map(({ scope }) => scope));
      const isWhole = present.every((id) => (known.get(id)?.look ?? 0) > wholeAt);
      if (isWhole) wholeAt = look;
      return { read, gaps, gone, isEveryRead: present.every((id) => known.has(id)), isWhole };
    },
  };
}
