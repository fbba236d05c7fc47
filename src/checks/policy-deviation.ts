import type { Check } from './check.ts';

/** Settings of the policy and zones decide what is allowed; hosts, owners and entries are a team's own matter. */
const WEIGHTY = /^(policy|zone):/;

export const policyDeviation: Check = {
  id: 'policy-deviation',
  title: 'Differs from the shared policy',
  severity: 'low',
  rationale:
    'Teams that share one standard may need to differ from it. That is fine as long as it is seen: ' +
    'a setting or entry that overrides what was inherited is listed, so that the owner of the standard can object.',
  remediation: 'Remove the override, or have the owner of the shared policy agree to it and accept it as an exception.',
  estate(estate) {
    return estate.register.deviations.map((d) => ({
      subject: { kind: 'estate' } as const,
      discriminator: d.what,
      severity: WEIGHTY.test(d.what) ? ('low' as const) : ('info' as const),
      message: `${d.what}: ${d.message}.`,
      evidence: [{ label: 'differs in', value: d.what }],
      remediation: `Remove it at ${d.at.file}:${d.at.line}, or accept it in exceptions.yaml with the agreement of the owner of the shared policy`,
      at: d.at,
    }));
  },
};
