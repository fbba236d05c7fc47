import { createEvaluator } from '../firewall/evaluate.ts';
import { compareAdmission } from '../model/admission-compare.ts';
import { buildFacts } from '../model/build-facts.ts';
import { UserError } from '../model/errors.ts';
import { STANDING_WORDS, standingWord } from '../reports/firewall-standing.ts';
import { renderVerify, type VerifyAnswer, type VerifyRow } from '../reports/firewall-verify.ts';
import type { RenderOptions } from '../reports/report-format.ts';
import { meantBy } from './endpoints-meant.ts';
import { isUndecided } from './firewall-admitted.ts';
import { admissionTo } from './firewall-facts.ts';
import { doubtsOf } from './firewall-facts-host.ts';
import { isWithoutFilter } from './firewall-facts-ports.ts';
import type { FirewallFiles } from './firewall-files.ts';
import { basisOf, type FirewallView, rulesetOf, statesOf } from './firewall-view.ts';
import { identitiesAt } from './identities.ts';

export interface VerifyResult {
  readonly text: string;
  /** `findings`: more can connect somewhere than is approved. `gaps`: something is undecided. */
  readonly outcome: 'clean' | 'findings' | 'gaps';
}

/**
 * Compares who may with who can connect, for everything that listens on a host. `name`: absent, this machine. Throws UserError
 * where the host or its packet filters are not known.
 */
export async function verifyFirewall(
  known: FirewallView,
  name: string | undefined,
  files: FirewallFiles,
  format: string,
  options: RenderOptions,
): Promise<VerifyResult> {
  const hosts = meantBy(
    { host: name, port: 0, transport: undefined, scope: undefined },
    known.identities,
    known.identities.listeners,
    known.here,
  ).hosts;
  const [host, ...others] = hosts;
  if (host === undefined || others.length > 0)
    throw new UserError(`${name} is the address of several hosts: ${hosts.join(', ')}`, { hint: 'Name one of them.' });
  if (known.isElsewhere && host === known.here && files.ruleset.length === 0)
    throw new UserError(
      "this runs in another network namespace than the machine's own, whose listeners it would compare",
      {
        hint: 'Run it outside ("ip netns exec" enters one), or ask for one port: quietdoor firewall show :PORT.',
      },
    );
  const view = await withListeners(known, host);
  const { identities, register, now } = view;
  const firewall = await rulesetOf(view, host, files);
  const evaluator = createEvaluator(firewall.ruleset);
  const listeners = identities.listeners.filter((s) => s.listener.host === host && s.open);
  const isOpen = isWithoutFilter(firewall.ruleset);
  const facts = buildFacts({
    ...{ now, register, approvals: new Map(), listeners, known: identities.known },
    hosts: identities.hosts.filter((s) => s.host.name === host),
  });
  const rows = facts.endpoints.map((own): VerifyRow => {
    const admission = admissionTo(own.endpoint, own.listeners, firewall, evaluator);
    const standing = compareAdmission(admission ? { ...own, admission } : own, { now, register });
    const { mayBeInBrokenPart } = own;
    const context = { isOpen, hasRegister: view.hasWorkspace, mayBeInBrokenPart };
    const word = standingWord(standing, admission?.admission ?? null, context);
    return { endpoint: own.endpoint, standing, admission: admission?.admission ?? null, word, mayBeInBrokenPart };
  });
  rows.sort((a, b) => STANDING_WORDS.indexOf(a.word) - STANDING_WORDS.indexOf(b.word));
  const answer: VerifyAnswer = {
    host,
    now,
    takenAt: files.ruleset.length > 0 ? null : firewall.takenAt,
    basis: basisOf(firewall, files),
    source: firewall.source,
    problems: doubtsOf(firewall),
    statements: firewall.ruleset.statements,
    zones: register.zones,
    hasRegister: view.hasWorkspace,
    rows,
  };
  const has = (...words: readonly string[]) => rows.some((row) => words.includes(row.word));
  const isTooWide = view.hasWorkspace && has('wider', 'not filtered');
  const isLeftOpen =
    has('undecided') ||
    answer.problems.length > 0 ||
    rows.some((row) => row.word === 'not compared' && row.admission && isUndecided(row.admission));
  const outcome = isTooWide ? 'findings' : isLeftOpen ? 'gaps' : 'clean';
  return { text: renderVerify(answer, format, options), outcome };
}

/** What listens, as recorded; of this machine, where nothing was recorded, as it is now. */
async function withListeners(view: FirewallView, host: string): Promise<FirewallView> {
  if (view.identities.hosts.some((state) => state.host.name === host)) return view;
  if (host !== view.here)
    throw new UserError(`nothing is known of ${host}`, {
      hint: `Hosts that were looked at: ${[...new Set(view.identities.hosts.map((s) => s.host.name))].join(', ') || 'none'}`,
    });
  const { observe } = await import('./scan.ts');
  const seen = await observe({ collector: 'local', hashes: false, root: '/' }, view.context.env, () => view.now);
  return { ...view, identities: identitiesAt(view.now, view.register, statesOf(seen)) };
}
