import { type AddressSet, isEmpty } from '../model/address-set.ts';
import type { Admission } from '../model/admission.ts';
import type { AdmissionStanding } from '../model/admission-compare.ts';

/** How approved and admitted stand to each other, in one word. */
export const STANDING_WORDS = ['wider', 'not filtered', 'undecided', 'blocked', 'not compared', 'conforms'] as const;
export type StandingWord = (typeof STANDING_WORDS)[number];

/** `isOpen`: the host has no filter at all. `hasRegister`: somebody was asked who may connect. */
export function standingWord(
  standing: AdmissionStanding,
  admission: Admission | null,
  { isOpen, hasRegister }: { readonly isOpen: boolean; readonly hasRegister: boolean },
): StandingWord {
  if (!hasRegister && standing.kind !== 'inside') return isOpen ? 'not filtered' : 'not compared';
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

/** Who may connect, and what of it is not so; null where nobody was asked (no workspace). */
export function standingWords(
  standing: AdmissionStanding,
  hasRegister: boolean,
  words: (set: AddressSet) => string,
): string | null {
  if (!hasRegister) return null;
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
      return parts.length === 1 ? `${parts[0]}: exactly these can connect` : parts.join('; ');
    }
  }
}
