import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { OWN_SOURCE } from './engine.ts';
import type { Mode } from './kernel-case.ts';

/** A fault that a packet filter engine may well have: the comparison with the kernel must find every one of them. */
export interface Fault {
  readonly name: string;
  /** File in src/firewall, and the text in it that makes the difference. */
  readonly file: string;
  readonly right: string;
  readonly wrong: string;
  /** Rulesets that show it. */
  readonly modes: readonly Mode[];
}

export const FAULTS: readonly Fault[] = [
  {
    name: 'an accept ends all chains of its hook',
    file: 'chain-order.ts',
    right: 'for (let from = 0; from < chains.length; ) {',
    wrong: 'for (let from = 0; from < Math.min(1, chains.length); ) {',
    modes: ['nft', 'legacy'],
  },
  {
    name: 'a negated address matches packets of the other family',
    file: 'compile.ts',
    right: 'for (const family of into.families) if (family !== c.family) into.families.delete(family);',
    wrong: '',
    modes: ['nft'],
  },
  {
    name: 'chains before connection tracking see new connections',
    file: 'conditions.ts',
    right: "    case 'none':\n    case 'invalid':\n      return 'invalid';",
    wrong: "    case 'none':\n      return at.state;\n    case 'invalid':\n      return 'invalid';",
    modes: ['nft', 'legacy'],
  },
  {
    name: 'a goto comes back like a jump',
    file: 'chain-walk.ts',
    right: "const back = verdict.kind === 'jump' ? next : out.returned;",
    wrong: 'const back = next;',
    modes: ['nft', 'legacy'],
  },
  {
    name: 'translations of the destination are ignored',
    file: 'chain-walk.ts',
    right: '{ ...piece.env, nat: number }',
    wrong: '{ ...piece.env, nat: -1 }',
    modes: ['nft', 'forward'],
  },
  {
    name: 'notrack has no effect',
    file: 'chain-walk.ts',
    right: "return [make({ tracking: 'untracked' })];",
    wrong: 'return [env];',
    modes: ['nft', 'legacy'],
  },
  {
    name: 'answers do not meet the output hook',
    file: 'pipeline.ts',
    right: "const on = this.#tracked('output', at, flows, phase);",
    wrong: 'const on = flows;',
    modes: ['connect'],
  },
];

/** Copies the engine's source and breaks the copy. Throws where the text is no longer there: then the fault needs a new one. */
export function copyWithFault(fault: Fault, to: string): string {
  const source = join(to, 'src');
  mkdirSync(source, { recursive: true });
  for (const room of ['firewall', 'model', 'util'])
    cpSync(join(OWN_SOURCE, room), join(source, room), { recursive: true });
  cpSync(join(OWN_SOURCE, '../package.json'), join(to, 'package.json'));
  rmSync(join(to, 'node_modules'), { force: true });
  symlinkSync(resolve(OWN_SOURCE, '../node_modules'), join(to, 'node_modules'));
  const file = join(source, 'firewall', fault.file);
  const text = readFileSync(file, 'utf8');
  if (text.split(fault.right).length !== 2)
    throw new Error(`src/firewall/${fault.file} should hold this once: ${fault.right}`);
  writeFileSync(
    file,
    text.replace(fault.right, () => fault.wrong),
  );
  return source;
}
