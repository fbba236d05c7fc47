import { compareAdmission, type JudgedBy } from '../model/admission-compare.ts';
import { widestBind } from '../model/describe.ts';
import type { EndpointFacts } from '../model/facts.ts';
import { admissionJson, boundsJson, setJson } from './firewall-json.ts';
import { isoTime } from './time.ts';
import { insideWords, NOT_VERIFIED } from './words.ts';

/** Who can connect, all that is known of it; `known: false` with the reason where no filter was asked. */
export function admittedJson(facts: EndpointFacts, estate: JudgedBy) {
  const { admission: known } = facts;
  if (widestBind(facts) === 'loopback')
    return { known: false, reason: `bound to loopback: ${insideWords(facts.endpoint.scope)} alone can connect` };
  if (!known) return { known: false, reason: NOT_VERIFIED };
  return {
    known: true,
    ...originJson(facts),
    ...differenceJson(facts, estate),
    ...admissionJson(known.admission),
    assumptions: known.admission.assumptions,
  };
}

/** The sets alone, for lists of endpoints; null where no filter was asked. */
export function admittedSetsJson(facts: EndpointFacts, estate: JudgedBy) {
  const { admission: known } = facts;
  if (!known) return null;
  const { admitted, completes, logged } = known.admission;
  return {
    ...originJson(facts),
    ...differenceJson(facts, estate),
    ...{ admitted: boundsJson(admitted), completes: boundsJson(completes), logged: setJson(logged) },
  };
}

function originJson({ admission }: EndpointFacts) {
  const { takenAt, source, scope, doubts } = admission as NonNullable<typeof admission>;
  return { takenAt: isoTime(takenAt), source: source ?? null, scope, doubts: doubts ?? [] };
}

/** Against the approved sources, where both are known and of now. */
function differenceJson(facts: EndpointFacts, estate: JudgedBy) {
  const standing = compareAdmission(facts, estate);
  if (standing.kind !== 'compared') return { compared: null, why: standing.kind };
  const { approved, tooMany, undecided, blocked } = standing;
  return {
    compared: {
      ...{ approved: setJson(approved), tooMany: setJson(tooMany) },
      ...{ perhapsTooMany: setJson(undecided), blocked: setJson(blocked) },
    },
  };
}
