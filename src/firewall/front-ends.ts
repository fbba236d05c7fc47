import { toText } from '../model/address-set-text.ts';
import type { Chain, Rule, RuleOrigin } from '../model/ruleset.ts';
import { portsText, protocolText, type RuleFacts, ruleFacts } from './rule-facts.ts';
import { printable } from './untrusted.ts';

/** A tool that writes packet filters for people. */
interface FrontEnd {
  readonly id: RuleOrigin['frontEnd'];
  /** Chains of its own, by id: `iptables filter ufw-user-input`. */
  readonly chain: RegExp;
  /** What the rule's user said; null: one of the tool's own rules. */
  userRule(chain: Chain, rule: Rule): string | null;
}

const ACTIONS: Readonly<Record<string, string>> = { accept: 'allow', drop: 'deny', reject: 'reject' };

/** `22/tcp`. */
function portAndProtocol(facts: RuleFacts): string | null {
  const protocol = facts.protocols?.length === 1 ? protocolText(facts.protocols[0] as number) : null;
  return facts.ports === null || protocol === null ? null : `${facts.ports}/${protocol}`;
}

/** ufw(8): what people type is kept in the chains of the user, one rule of theirs is one to three of iptables. */
const ufw: FrontEnd = {
  id: 'ufw',
  chain: / ufw6?-\S+$/,
  userRule(chain, rule) {
    const where = /^ufw6?-user-(input|output|forward)$/.exec(chain.name)?.[1];
    if (where === undefined) return null;
    const facts = ruleFacts(rule);
    const { verdict } = facts;
    if (verdict?.kind === 'jump' && verdict.chain.includes('-logging-')) return null;
    const isLimit = verdict === null || verdict.kind === 'jump';
    const action = isLimit ? 'limit' : ACTIONS[verdict.kind];
    if (action === undefined) return null;
    const words = ['ufw', ...(where === 'forward' ? ['route'] : []), action];
    if (where === 'output') words.push('out');
    const input = facts.inInterface;
    const output = facts.outInterface;
    if (input !== null) words.push('in', 'on', input);
    if (output !== null) words.push(...(where === 'output' ? [] : ['out']), 'on', output);
    const application = /^'[ds]app_(.+)'$/.exec(rule.comment ?? '')?.[1];
    const short = application ?? portAndProtocol(facts);
    const isShort = facts.source === null && facts.destination === null && facts.sourcePorts === null;
    if (isShort && short !== null && input === null && output === null) return [...words, short].join(' ');
    words.push('from', facts.source ?? 'any');
    if (facts.sourcePorts !== null) words.push('port', facts.sourcePorts);
    if (facts.destination !== null || facts.ports !== null) words.push('to', facts.destination ?? 'any');
    if (application !== undefined) words.push('app', application);
    else if (facts.ports !== null) words.push('port', facts.ports);
    if (application === undefined && facts.protocols?.length === 1)
      words.push('proto', protocolText(facts.protocols[0] as number));
    return words.join(' ');
  },
};

/** firewalld: zones are chains; whether a port came as a service or by number is not in the rules. */
const firewalld: FrontEnd = {
  id: 'firewalld',
  chain:
    /^nft \S+ firewalld |^ip6?tables(?:-legacy)? \S+ (?:(?:IN|OUT|FWD|FWDI|FWDO|PRE|POST)_\S+|(?:INPUT|OUTPUT|FORWARD|PREROUTING|POSTROUTING)_(?:direct|ZONES\S*|POLICIES\S*))$/,
  userRule(chain, rule) {
    const zone = /^(?:filter_)?IN_(.+)_(?:allow|deny|pre|post)$/.exec(chain.name)?.[1];
    const facts = ruleFacts(rule);
    const action = ACTIONS[facts.verdict?.kind ?? ''];
    if (zone === undefined || action === undefined) return null;
    const what = portAndProtocol(facts) ?? facts.protocols?.map(protocolText).join(',') ?? 'everything';
    const from = facts.source === null ? '' : ` from ${facts.source}`;
    const to = facts.destination === null ? '' : ` to ${facts.destination}`;
    return `zone ${zone}: ${action} ${what}${from}${to}`;
  },
};

/** Docker: published ports are translations in `nat`, and each has its rule in `filter`. */
const docker: FrontEnd = {
  id: 'docker',
  chain: / DOCKER(?:-\S+)?$|^nft \S+ docker-bridges /,
  userRule(chain, rule) {
    const facts = ruleFacts(rule);
    if (chain.name === 'DOCKER-USER')
      return facts.verdict === null || facts.verdict.kind === 'return' ? null : rule.text;
    const protocol = facts.protocols?.length === 1 ? protocolText(facts.protocols[0] as number) : null;
    if (facts.translation !== null && facts.ports !== null && protocol !== null) {
      const { addresses, ports } = facts.translation;
      const host = facts.destination === null ? '' : `${facts.destination}:`;
      const [first, ...more] = addresses === null ? [] : [...addresses.ipv4, ...addresses.ipv6];
      const container = first === undefined || more.length !== 1 ? '' : ` (container ${oneAddress(facts)})`;
      return `docker run --publish ${host}${facts.ports}:${ports === null ? facts.ports : portsText([ports])}/${protocol}${container}`;
    }
    if (facts.verdict?.kind !== 'accept' || facts.destination === null || facts.ports === null) return null;
    return `published port ${facts.ports}/${protocol ?? 'any'} of container ${facts.destination}`;
  },
};

function oneAddress(facts: RuleFacts): string {
  const set = facts.translation?.addresses;
  return set == null ? '' : toText(set);
}

/** Kubernetes writes into comments which service a rule is of. */
const kubernetes: FrontEnd = {
  id: 'kubernetes',
  chain: / KUBE-\S+$|^nft \S+ kube-proxy /,
  userRule(_, rule) {
    const service = /^"?([a-z0-9.-]+\/[a-z0-9.-]+(?::[a-z0-9-]+)?)\b/.exec(rule.comment ?? '')?.[1];
    return service === undefined ? null : `service ${service}`;
  },
};

const fail2ban: FrontEnd = {
  id: 'fail2ban',
  chain: / f2b-\S+$|^nft \S+ f2b-\S+ /,
  userRule(chain, rule) {
    const jail = /^f2b-(.+)$/.exec(chain.name)?.[1];
    const { source, verdict } = ruleFacts(rule);
    if (jail === undefined || source === null || (verdict?.kind !== 'drop' && verdict?.kind !== 'reject')) return null;
    return `jail ${jail}: ban ${source}`;
  },
};

function ownRules(id: RuleOrigin['frontEnd'], chain: RegExp): FrontEnd {
  return { id, chain, userRule: () => null };
}

const quietdoor: FrontEnd = {
  id: 'quietdoor',
  chain: / QUIETDOOR-\S+$|^nft \S+ quietdoor /,
  userRule: (_, rule) => /^(?:quietdoor: )?(entry .+)$/.exec(rule.comment ?? '')?.[1] ?? null,
};

const FRONT_ENDS: readonly FrontEnd[] = [
  quietdoor,
  ufw,
  firewalld,
  docker,
  kubernetes,
  fail2ban,
  ownRules('tailscale', / ts-(?:input|forward|postrouting)$/),
  ownRules('libvirt', / LIBVIRT_\S+$|^nft \S+ libvirt_network /),
];

/** Bridges that Docker makes for its networks. */
const DOCKER_BRIDGE = /^(?:! )?(?:docker0|br-[0-9a-f]{12})$/;

/** Says whose tool wrote each rule, where names and comments tell. The rules themselves stay as they are. */
export function describeOrigins(chains: readonly Chain[]): readonly Chain[] {
  const owners = new Map<string, FrontEnd>();
  for (const { id } of chains) {
    const owner = FRONT_ENDS.find((frontEnd) => frontEnd.chain.test(id));
    if (owner !== undefined) owners.set(id, owner);
  }
  const hasDocker = [...owners.values()].includes(docker);
  return chains.map((chain) => {
    const owner = owners.get(chain.id);
    return { ...chain, rules: chain.rules.map((rule) => withOrigin(chain, rule, owner, owners, hasDocker)) };
  });
}

function withOrigin(
  chain: Chain,
  rule: Rule,
  owner: FrontEnd | undefined,
  owners: ReadonlyMap<string, FrontEnd>,
  hasDocker: boolean,
): Rule {
  if (rule.origin !== null) return rule;
  if (owner !== undefined) {
    const userRule = owner.userRule(chain, rule);
    const origin = { frontEnd: owner.id, ...(userRule === null ? {} : { userRule: printable(userRule, 200) }) };
    return { ...rule, origin };
  }
  // A rule in a chain of everybody that leads to a tool's own chains is the tool's.
  for (const step of rule.steps) {
    if (step.kind !== 'verdict' || (step.verdict.kind !== 'jump' && step.verdict.kind !== 'goto')) continue;
    const target = owners.get(step.verdict.chain);
    if (target !== undefined) return { ...rule, origin: { frontEnd: target.id } };
  }
  if (!hasDocker || chain.base === null) return rule;
  const { inInterface, outInterface } = ruleFacts(rule);
  const isBridge = [inInterface, outInterface].some((name) => name !== null && DOCKER_BRIDGE.test(name));
  return isBridge ? { ...rule, origin: { frontEnd: 'docker' } } : rule;
}
