import { type AddressSet, isEmpty } from '../model/address-set.ts';
import type { Admission } from '../model/admission.ts';
import type { AdmissionStanding } from '../model/admission-compare.ts';
import type { RegisterEntry } from '../model/register.ts';
import { utcDay } from '../util/words.ts';

/** How approved and admitted stand to each other, in one word. */
export const STANDING_WORDS = ['wider', 'not filtered', 'undecided', 'blocked', 'not compared', 'conforms'] as const;
export type StandingWord = (typeof STANDING_WORDS)[number];

export interface StandingContext {
  /** The host has no filter at all. */
  readonly isOpen: boolean;
  /** Somebody was asked who may connect. */
  readonly hasRegister: boolean;
  /** A part of the register that could not be read may be about the port. */
  readonly mayBeInBrokenPart: boolean;
}

export function standingWord(
  standing: AdmissionStanding,
  admission: Admission | null,
  { isOpen, hasRegister, mayBeInBrokenPart }: StandingContext,
): StandingWord {
  if (!hasRegister && standing.kind !== 'inside') return isOpen ? 'not filtered' : 'not compared';
  if (mayBeInBrokenPart && standing.kind !== 'inside') return 'undecided';
  switch (standing.kind) {
    case 'inside':
      return 'conforms';
    case 'compared':
      if (!isEmpty(standing.tooMany)) return isOpen ? 'not filtered' : 'wider';
      if (!isEmpty(standing.undecided)) return 'undecided';
      return isEmpty(standing.blocked) ? 'conforms' : 'blocked';
    case 'no-entry':
      // nobody is approved
      if (admission === null) return 'undecided';
      if (!isEmpty(admission.admitted.lower)) return isOpen ? 'not filtered' : 'wider';
      return isEmpty(admission.admitted.upper) ? 'conforms' : 'undecided';
    default:
      return 'undecided';
  }
}

/**
 * Why nobody stands behind what an entry says, as far as it tells itself: a stamp is not proof, its absence is; null: a name
 * stands under it. `now` in UTC milliseconds.
 */
export function unapprovedWords({ approval, digest, expires }: RegisterEntry, now: number): string | null {
  if (approval === null) return 'a draft, approved by nobody';
  if (approval.digest !== undefined && approval.digest !== digest) return 'changed since it was approved';
  return expires !== null && expires <= now ? `its approval expired on ${utcDay(expires)}` : null;
}

/** Who may connect, and what of it is not so; null where nobody was asked (no workspace). */
export function standingWords(
  standing: AdmissionStanding,
  { hasRegister, mayBeInBrokenPart }: Pick<StandingContext, 'hasRegister' | 'mayBeInBrokenPart'>,
  words: (set: AddressSet) => string,
): string | null {
  if (!hasRegister) return null;
  if (mayBeInBrokenPart && standing.kind !== 'inside')
    return 'not known: a part of the register that could not be read may be about it (quietdoor register lint)';
  switch (standing.kind) {
    case 'inside':
      return 'it listens on loopback alone';
    case 'not-known':
      return 'not compared: no filter says who reaches this scope';
    case 'stale':
      return 'not compared: the filters were taken too long ago';
    case 'in-future':
      return 'not compared: the filters were taken after now, so a clock is wrong';
    case 'no-entry':
      return 'nobody: the register has no entry for it';
    case 'not-said':
      return `${standing.entry.id} does not say who may connect`;
    case 'unreadable':
      return `${standing.entry.id} names sources that cannot be read: ${standing.sources.join(', ')}`;
    case 'compared': {
      const parts = [
        `${words(standing.approved)} by ${standing.entry.id}`,
        ...(isEmpty(standing.tooMany) ? [] : [`too many are let in: ${words(standing.tooMany)}`]),
        ...(isEmpty(standing.undecided) ? [] : [`undecided whether too many: ${words(standing.undecided)}`]),
        ...(isEmpty(standing.blocked) ? [] : [`approved and blocked: ${words(standing.blocked)}`]),
      ];
      return parts.length === 1 ? `${parts[0]}: nobody else can connect` : parts.join('; ');
    }
  }
}
