import { type AccessPlan, approvedAccess } from '../enforce/access.ts';
import { targets } from '../enforce/index.ts';
import type { EnforceInput, EnforceMode, EnforceOutput, EnforceTarget } from '../enforce/target.ts';
import { parseAddress, unmapAddress } from '../model/address.ts';
import { UserError } from '../model/errors.ts';
import { type MatchHost, parseHostSelector } from '../model/host-selector.ts';
import { selectsHost } from '../model/match.ts';
import type { ApprovalState, Register } from '../model/register.ts';
import type { HostState } from '../model/state.ts';
import { judgeApprovals } from '../register/approval.ts';
import { compareBy, compareText } from '../util/compare.ts';
import { asOf, type Context } from './context.ts';
import { reverify } from './firewall-reverify.ts';
import { loadHosts } from './identities.ts';
import { loadRegister, registerCache } from './load-register.ts';
import { withStateToRead } from './state.ts';

/** What a person asks for. */
export interface GenerateRequest {
  /** Id of a target. */
  readonly target: string;
  /** Names of hosts; empty: every known host that an entry chooses. */
  readonly hosts: readonly string[];
  readonly mode: EnforceMode;
  /** `claimed`: approvals that are only written down count too. */
  readonly include: 'proven' | 'claimed';
  readonly logAccepted: boolean;
}

/** What became of one host. */
export interface GeneratedHost {
  readonly host: string;
  readonly plan: AccessPlan;
  /** Why nothing is emitted for it, a sentence each; empty: it is. */
  readonly refused: readonly string[];
  readonly howTo: readonly string[];
}

export interface GeneratedRules {
  readonly target: EnforceTarget;
  /** `sha256:...` of the register. */
  readonly digest: string;
  readonly hosts: readonly GeneratedHost[];
  /** Of all hosts that are not refused, sorted by path. */
  readonly files: EnforceOutput['files'];
}

/**
 * Turns what the register approves into rules of a target, host by host. Rules are read back and asked who can connect;
 * those that do not answer exactly as approved are not given out. Throws UserError where nothing can be said.
 */
export async function generateRules(context: Context, request: GenerateRequest): Promise<GeneratedRules> {
  const target = targets.find((t) => t.id === request.target);
  if (!target)
    throw new UserError(`there is no target "${request.target}"`, {
      hint: `Targets: ${targets.map((t) => t.id).join(', ')}`,
    });
  const approved = await approvedOnHosts(context, request);
  const files = new Map<string, EnforceOutput['files'][number]>();
  const hosts = approved.hosts.map(({ host, plan, input }): GeneratedHost => {
    const { refused, output } = generateFor(target, plan, input);
    if (refused.length > 0) return { host: host.name, plan, refused, howTo: [] };
    for (const file of output.files) {
      const there = files.get(file.path);
      if (there && there.text !== file.text)
        throw new UserError(`two hosts would write different texts into ${file.path}: ${host.name} is one of them`, {
          hint: 'Name one host with --host.',
        });
      files.set(file.path, file);
    }
    return { host: host.name, plan, refused, howTo: output.howTo };
  });
  return {
    ...{ target, hosts, digest: approved.digest },
    files: [...files.values()].sort(compareBy((file) => file.path)),
  };
}

/** Generates and verifies; `refused` says why the output must not be used. */
export function generateFor(
  target: EnforceTarget,
  plan: AccessPlan,
  input: EnforceInput,
): { readonly refused: readonly string[]; readonly output: EnforceOutput } {
  const output = target.generate(input);
  const cannot = [...plan.cannot, ...output.cannot];
  return { output, refused: cannot.length > 0 ? cannot : reverify(input, output) };
}

/** A host with what is approved on it, ready for a target. */
export interface ApprovedHost {
  readonly host: MatchHost;
  readonly plan: AccessPlan;
  readonly input: EnforceInput;
}

/** Works out what the register approves on hosts. Throws UserError where a part of the register cannot be used. */
export async function approvedOnHosts(
  context: Context,
  request: Pick<GenerateRequest, 'hosts' | 'mode' | 'include' | 'logAccepted'>,
): Promise<{ readonly digest: string; readonly hosts: readonly ApprovedHost[] }> {
  return withStateToRead(context, async (store) => {
    const now = asOf(context);
    const workspace = await loadRegister(context, store);
    const { register } = workspace;
    refuseBroken(register);
    const approvals = await judgeApprovals({
      ...{ workspace, dir: context.workspace, now, env: context.env },
      ...(store ? { cache: registerCache(store, false) } : {}),
    });
    const identities = await loadHosts(store, register, now);
    const known = new Map(identities.known.map((host) => [host.name.toLowerCase(), host]));
    const chosen =
      request.hosts.length > 0
        ? request.hosts.map((text) => {
            const name = identities.nameOf(text) ?? text;
            return known.get(name.toLowerCase()) ?? unknownHost(name, register);
          })
        : hostsWithEntries(register, identities.known);
    if (chosen.length === 0)
      throw new UserError('no entry of the register is for a host that is known or named', {
        hint: 'Declare hosts in quietdoor.yaml, scan them, or name one with --host.',
      });
    const states = Map.groupBy(identities.hosts, (state) => state.host.name.toLowerCase());
    return {
      digest: register.digest,
      hosts: chosen.map((host) => approvedOn(host, { register, approvals, now, states }, request)),
    };
  });
}

/** Known hosts that entries choose, and hosts that entries name and of which nothing else is known. Sorted by name. */
function hostsWithEntries(register: Register, known: readonly MatchHost[]): MatchHost[] {
  const names = new Set(known.flatMap((host) => [host.name, ...(host.names ?? [])]).map((name) => name.toLowerCase()));
  const hosts = known.filter((host) => register.entries.some((entry) => selectsHost(entry, host)));
  for (const text of register.entries.flatMap((entry) => entry.hosts)) {
    const selector = parseHostSelector(text);
    if (selector.kind !== 'name' || names.has(selector.name)) continue;
    names.add(selector.name);
    hosts.push({ name: text, addresses: [], tags: [] });
  }
  return hosts.sort((a, b) => compareText(a.name, b.name));
}

/** A host of which only its name is known. Without an entry it is a mistake: its rules would close every port. */
function unknownHost(name: string, register: Register): MatchHost {
  const host = { name, addresses: [], tags: [] };
  if (!register.entries.some((entry) => selectsHost(entry, host)))
    throw new UserError(`no host ${name} is known, and no entry of the register is for it`, {
      hint: 'Is the name right? Hosts are known by quietdoor.yaml, by the entries of the register, and by a scan.',
    });
  return host;
}

interface Known {
  readonly register: Register;
  readonly approvals: ReadonlyMap<string, ApprovalState>;
  readonly now: number;
  readonly states: ReadonlyMap<string, readonly HostState[]>;
}

function approvedOn(
  host: MatchHost,
  { register, approvals, now, states }: Known,
  { mode, include, logAccepted }: Pick<GenerateRequest, 'mode' | 'include' | 'logAccepted'>,
): ApprovedHost {
  const hosts = states.get(host.name.toLowerCase()) ?? [];
  const plan = approvedAccess({ register, approvals, now, hosts, host, include });
  const addresses = [host.name, ...host.addresses].flatMap((text) => {
    const address = parseAddress(text.split('%', 1)[0] as string);
    return address ? [unmapAddress(address)] : [];
  });
  return {
    ...{ host, plan },
    input: {
      ...{ host: host.name, mode, access: plan.access, addresses },
      ...(logAccepted && { logAccepted }),
    },
  };
}

/** What a broken part of the register says is not known: rules without it would close what may be approved. */
function refuseBroken(register: Register): void {
  const broken = register.problems.find((problem) => problem.severity === 'error');
  if (broken)
    throw new UserError(
      `a part of the register cannot be used: ${broken.at.file}:${broken.at.line}: ${broken.message}`,
      {
        hint: 'See all with "quietdoor register lint", and mend them: no rules are made of a part of a register.',
      },
    );
}
