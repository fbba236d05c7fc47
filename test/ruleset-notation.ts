import { toText } from '../src/model/address-set-text.ts';
import type { Chain, Condition, NumberRange, Ruleset, Step, Verdict } from '../src/model/ruleset.ts';

/** Writes rules as the model has them, short enough to be read and compared. */

export function conditionNotation(c: Condition): string {
  switch (c.kind) {
    case 'unknown':
      return `?(${c.reason})`;
    case 'all':
      return c.of.length === 0 ? 'always' : `(${c.of.map(conditionNotation).join(' & ')})`;
    case 'any':
      return c.of.length === 0 ? 'never' : `(${c.of.map(conditionNotation).join(' | ')})`;
    case 'not':
      return `!${conditionNotation(c.of)}`;
    case 'family':
      return c.family;
    case 'source':
    case 'destination':
    case 'original-source':
    case 'original-destination':
      return `${c.kind}[${toText(c.set)}]`;
    case 'protocol':
      return `protocol[${numbers(c.numbers)}]`;
    case 'source-port':
    case 'destination-port':
    case 'original-destination-port':
      return `${c.kind}[${numbers(c.ports)}]`;
    case 'in-interface':
    case 'out-interface':
      return `${c.kind}[${c.names.map((name) => (name.prefix ? `${name.name}...` : name.name)).join(', ')}]`;
    case 'tcp-flags':
      return `flags[${c.mask}=${c.value}]`;
    case 'connection-state':
      return `state[${c.states.join(', ')}]`;
    case 'connection-direction':
      return `direction[${c.direction}]`;
    case 'connection-status':
      return `status[${c.bits.join(', ')}]`;
    case 'mark':
    case 'connection-mark':
      return `${c.kind}${c.mask === 0xffffffff ? '' : `&0x${c.mask.toString(16)}`}[${numbers(c.values)}]`;
    case 'address-type':
      return `${c.of}-type[${c.types.join(', ')}${c.on === undefined ? '' : ` on ${c.on}`}]`;
  }
}

function numbers(ranges: readonly NumberRange[]): string {
  return ranges.map(({ from, to }) => (from === to ? `${from}` : `${from}-${to}`)).join(', ');
}

function verdictNotation(v: Verdict): string {
  if (v.kind === 'unknown') return `?(${v.reason})`;
  return v.kind === 'jump' || v.kind === 'goto' ? `${v.kind} ${v.chain}` : v.kind;
}

export function stepNotation(step: Step): string {
  switch (step.kind) {
    case 'match':
      return conditionNotation(step.condition);
    case 'verdict':
      return verdictNotation(step.verdict);
    case 'verdict-map':
      return `{ ${step.branches.map(({ when, verdict }) => `${conditionNotation(when)} -> ${verdictNotation(verdict)}`).join('; ')} }`;
    case 'set-mark':
      return `${step.of} mark = (mark & 0x${step.keep.toString(16)}) ^ 0x${step.value.toString(16)}`;
    case 'copy-mark':
      return `copy mark from ${step.from} (to & 0x${step.keep.toString(16)}) ^ (from & 0x${step.mask.toString(16)})`;
    case 'unknown-mark':
      return `${step.of} mark = ?(${step.reason})`;
    case 'notrack':
    case 'zone':
      return step.kind;
    case 'destination-nat': {
      const addresses = step.addresses === null ? '' : ` [${toText(step.addresses)}]`;
      return `${step.redirect ? 'redirect' : 'dnat'}${addresses}${step.ports === null ? '' : ` port ${numbers([step.ports])}`}`;
    }
    case 'source-nat':
      return `snat (${step.text})`;
    case 'log':
      return `log ${step.prefix === null ? '' : JSON.stringify(step.prefix)}`.trim();
  }
}

export function stepsNotation(steps: readonly Step[]): string {
  return steps.length === 0 ? 'nothing' : steps.map(stepNotation).join('  ');
}

/** The rules of chains, one line each: what the rule says, and what it was understood as. */
export function chainsNotation(chains: readonly Chain[]): string {
  return chains
    .map((chain) => {
      const { base } = chain;
      const devices = base?.devices === undefined ? '' : ` devices ${base.devices?.join(', ') ?? '?'}`;
      const placed = base === null ? '' : ` ${base.type} ${base.hook} ${base.priority} ${base.policy}${devices}`;
      const rules = chain.rules.map((rule) => `  ${rule.text}\n    = ${stepsNotation(rule.steps)}\n`);
      return `${chain.id} (${chain.families.join(', ')})${placed}\n${rules.join('')}`;
    })
    .join('');
}

/** Everything a ruleset says, for golden files. */
export function rulesetNotation(ruleset: Pick<Ruleset, 'layers' | 'notes' | 'statements' | 'assumptions'>): string {
  const { modelled, irrelevant, unsupported, unrecognised } = ruleset.statements;
  return [
    ...ruleset.layers.map((layer) => chainsNotation(layer.chains)),
    `modelled ${modelled}, irrelevant ${irrelevant}, unsupported ${unsupported}, unrecognised ${unrecognised}\n`,
    ...ruleset.notes.map(
      ({ status, text, reason, at, rule }) => `${status} ${at.line ?? '-'} ${rule ?? '-'}: ${text}: ${reason}\n`,
    ),
    ...ruleset.assumptions.map((assumption) => `assumed: ${assumption}\n`),
  ].join('');
}
