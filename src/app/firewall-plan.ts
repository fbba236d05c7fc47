import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readConnections } from '../collectors/linux/connections.ts';
import { collectLocalFirewall } from '../collectors/linux/firewall.ts';
import { hostAccess, isOfHost } from '../enforce/demand.ts';
import { targets } from '../enforce/index.ts';
import type { EnforceMode } from '../enforce/target.ts';
import { createEvaluator } from '../firewall/evaluate.ts';
import { readRuleset } from '../firewall/read.ts';
import { toCidrs } from '../model/address-set.ts';
import type { RulesetDump } from '../model/admission.ts';
import { UserError } from '../model/errors.ts';
import { formatPorts } from '../model/port-ranges.ts';
import type { Ruleset } from '../model/ruleset.ts';
import { type FirewallPlan, shortPlan } from '../reports/firewall-plan.ts';
import { canonicalJson } from '../util/canonical-json.ts';
import { sha256 } from '../util/sha256.ts';
import { type Context, thisHost } from './context.ts';
import { persistPlace } from './firewall-apply-persist.ts';
import { writeStateFile } from './firewall-apply-state-file.ts';
import { approvedOnHosts, generateFor } from './firewall-generate.ts';
import {
  accessChanges,
  blockedByOthers,
  connectionsCut,
  lockouts,
  plannedChange,
  stillOpen,
} from './firewall-plan-changes.ts';
import { hasOwnRules, meaningOf, PLAN_TARGETS, withOwnRules } from './firewall-plan-live.ts';
import { findSessions } from './firewall-plan-session.ts';

/** What a person asks for. */
export interface PlanRequest {
  readonly target: string;
  readonly mode: EnforceMode;
  readonly include: 'proven' | 'claimed';
  readonly logAccepted: boolean;
}

/**
 * Works out what rules from the register would change on this machine: who gains and who loses access against the rules in
 * force, which connections they would not let in again, and whether they would lock out whoever runs this. Throws
 * UserError where the rules in force cannot be read, or none can be made.
 */
export async function planFirewall(context: Context, request: PlanRequest): Promise<FirewallPlan> {
  const target = targets.find(({ id }) => id === request.target);
  const place = PLAN_TARGETS.find((id) => id === request.target);
  if (!target || !place)
    throw new UserError(`there is no plan for the target "${request.target}"`, {
      hint: `Targets for this machine: ${PLAN_TARGETS.join(', ')}. For others: quietdoor firewall generate`,
    });
  const { hosts, digest: register } = await approvedOnHosts(context, { ...request, hosts: [thisHost(context.env)] });
  const [approved] = hosts;
  if (!approved) throw new UserError('this machine is not known');
  const { plan, input, host } = approved;
  const { refused, output } = generateFor(target, plan, input);
  if (refused.length > 0)
    throw new UserError(`no rules are made for ${host.name}: ${refused[0]}`, {
      hint: refused.slice(1, 6).join('\n') || 'Mend the entry and try again.',
    });
  const dump = await readLive(context);
  const before = readRuleset(dump.files);
  const after = readRuleset(withOwnRules(dump.files, place, output.readBack));
  const own = readRuleset([...output.readBack, ...dump.files.filter(({ name }) => name.startsWith('ip -j'))]);
  const evaluator = createEvaluator(after);
  const { incoming, listening, problems } = readConnections('/proc/self');
  const named = {
    ...{ host: host.name, target: request.target, mode: request.mode, register },
    ...{ include: request.include, logAccepted: request.logAccepted },
    live: meaningOf(dump),
    files: output.files.map(({ path, text }) => ({ path, text })),
  };
  const cuts = connectionsCut(evaluator, incoming);
  return {
    schemaVersion: 1,
    digest: digestOf(named),
    ...named,
    madeAt: context.now(),
    replaces: hasOwnRules(dump.files, place),
    access: hostAccess(input).map(({ entry, transport, ports, scope, sources }) => ({
      ...{ entry, transport, scope, ports: formatPorts(ports), sources: toCidrs(sources) },
    })),
    leftOut: plan.leftOut,
    changes: accessChanges(before, after).map((change) => plannedChange(change, listening)),
    open: request.mode === 'enforce' ? stillOpen(own, after) : [],
    doubts: doubtsOf(before, dump.problems),
    cuts,
    blocked: blockedByOthers(evaluator, hostAccess(input), place),
    lockouts: lockouts(createEvaluator(own), findSessions(context.env)),
    warnings: [
      ...problems.map((problem) => `Connections: ${problem}.`),
      ...PLAN_TARGETS.filter((other) => other !== place && hasOwnRules(dump.files, other)).map(
        (other) =>
          `Rules of ours for ${other} are in force too, and go on to apply: take them away, or keep to one target.`,
      ),
      ...(request.mode === 'enforce' && !isTracking() ? [NOT_TRACKED] : []),
      ...plan.claimed.map((entry) => `The approval of ${entry} is only claimed, not proven.`),
      ...input.access
        .filter(({ scope }) => !isOfHost(scope))
        .map(
          ({ entry, scope }) =>
            `${entry} is about ${scope}, which these rules do not reach: it stays as open as it is.`,
        ),
      ...(request.mode === 'enforce' ? [] : [`In the mode ${request.mode} nothing is dropped.`]),
    ],
    persist: place === 'nftables' ? (persistPlace('/etc')?.words ?? null) : RESTART_OF_IPTABLES,
  };
}

/** What of the rules in force was not seen or not understood may let in or keep out anybody. */
function doubtsOf({ files, unseenFamilies }: Ruleset, problems: readonly string[]): string[] {
  return [
    ...problems.map((problem) => `Not everything in force was seen: ${problem}.`),
    ...files.flatMap(({ name, incomplete }) =>
      incomplete === null ? [] : [`The output of "${name}" was not read whole: ${incomplete}.`],
    ),
    ...(unseenFamilies ?? []).map((family) => `Nothing is known of the rules for ${family}.`),
  ];
}

const RESTART_OF_IPTABLES =
  'They hold until the machine restarts, unless what saves rules of iptables here (netfilter-persistent, iptables-services) saves them.';

const NOT_TRACKED =
  'The kernel does not track connections yet and begins to with these rules: it takes connections that stand for new ones. Those above are cut at once; those that this machine opened itself go on when it sends the next time.';

/** Connection tracking has entries; where it does not run, the kernel has no such file or counts nothing. */
function isTracking(): boolean {
  try {
    return Number(readFileSync('/proc/sys/net/netfilter/nf_conntrack_count', 'utf8')) > 0;
  } catch {
    return false;
  }
}

/** The rules in force. Throws UserError where they cannot be read at all. */
export async function readLive(context: Context): Promise<RulesetDump> {
  const dump = await collectLocalFirewall({ host: thisHost(context.env), now: context.now });
  if (dump.files.length === 0)
    throw new UserError(
      `the rules in force cannot be read: ${dump.problems[0] ?? 'no program for them is installed'}`,
      {
        hint: process.geteuid?.() === 0 ? 'For example: apt-get install nftables' : 'Run the same with sudo.',
      },
    );
  return dump;
}

type Named = Pick<FirewallPlan, 'host' | 'target' | 'mode' | 'register' | 'include' | 'logAccepted' | 'live' | 'files'>;

function digestOf({ host, target, mode, register, include, logAccepted, live, files }: Named): string {
  const text = canonicalJson({ host, target, mode, register, include, logAccepted, live, files });
  return `sha256:${sha256(text)}`;
}

function plansFolder(context: Context): string {
  return join(context.state, 'firewall-plans');
}

/** Keeps a plan in the state; returns the name by which `apply` takes it. */
export function savePlan(context: Context, plan: FirewallPlan): string {
  const name = shortPlan(plan.digest);
  writeStateFile(context.state, join(plansFolder(context), `${name}.json`), `${JSON.stringify(plan)}\n`);
  return name;
}

/** What is needed of a kept plan: its digest, and how to make it again. Throws UserError where there is none of the name. */
export function loadPlan(context: Context, name: string): PlanRequest & { readonly plan: FirewallPlan } {
  const wanted = name.replace(/^sha256:/, '');
  const found = /^[0-9a-f]{6,64}$/.test(wanted)
    ? plansIn(plansFolder(context)).filter((file) => file.startsWith(wanted.slice(0, 12)))
    : [];
  const [file, ...more] = found;
  if (file === undefined || more.length > 0)
    throw new UserError(file === undefined ? `there is no plan ${name}` : `several plans begin with ${name}`, {
      hint: 'Make one with: quietdoor firewall plan',
    });
  let plan: FirewallPlan;
  try {
    plan = JSON.parse(readFileSync(join(plansFolder(context), file), 'utf8')) as FirewallPlan;
    if (digestOf(plan) !== plan.digest || !plan.digest.startsWith(`sha256:${wanted}`)) throw new Error('digest');
  } catch (cause) {
    throw new UserError(`the plan ${name} was changed since it was made, or is damaged`, {
      hint: 'Make another: quietdoor firewall plan',
      cause,
    });
  }
  return { plan, ...requestOf(plan) };
}

/** What a plan was asked to be. */
export function requestOf({ target, mode, include, logAccepted }: FirewallPlan): PlanRequest {
  return { target, mode: mode as EnforceMode, include: include as PlanRequest['include'], logAccepted };
}

function plansIn(folder: string): string[] {
  try {
    return readdirSync(folder).filter((file) => /^[0-9a-f]{12}\.json$/.test(file));
  } catch {
    return [];
  }
}

/** Why a plan that was made before does not hold any more; null: it does. */
export function whyStale(before: FirewallPlan, now: FirewallPlan): string | null {
  if (before.digest === now.digest) return null;
  if (before.host !== now.host) return `it is for ${before.host}, and this is ${now.host}`;
  if (before.live !== now.live) return 'the rules in force changed since it was made';
  if (before.register !== now.register) return 'the register changed since it was made';
  return 'what is approved changed since it was made';
}

/** The script of a plan for nft. Throws UserError for a target that is not loaded by it. */
export function scriptOf({ target, files }: Pick<FirewallPlan, 'target' | 'files'>): string {
  const script = files.find(({ path }) => path.endsWith('.nft') && !path.endsWith('.undo.nft'));
  if (target !== 'nftables' || !script)
    throw new UserError(`rules of the target ${target} are not applied by this program`, {
      hint: `Make a plan for nftables, or run the script that "quietdoor firewall generate -t ${target} -o DIR" writes.`,
    });
  return script.text;
}
