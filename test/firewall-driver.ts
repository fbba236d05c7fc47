import { readFileSync } from 'node:fs';
import type { Context } from '../src/app/context.ts';
import { applyRules, confirmRules, rollBackRules, settleOverdue } from '../src/app/firewall-apply.ts';

/** Drives what changes rules, in the network namespace that it is started in: `VERB STATE [RULES SECONDS]`. */
const [verb, state = '', rules = '', seconds = '60'] = process.argv.slice(2);
const context: Context = {
  workspace: state,
  state,
  now: () => Date.now(),
  actor: 'user:test',
  env: process.env,
  settings: [],
};

async function run(): Promise<unknown> {
  switch (verb) {
    case 'apply':
      return applyRules(context, {
        ...{ rules: readFileSync(rules, 'utf8'), plan: 'sha256:plan', register: 'sha256:register', mode: 'enforce' },
        ...{ host: 'target', seconds: Number(seconds), stillHolds: async () => {} },
      });
    case 'confirm':
      return confirmRules(context);
    case 'rollback':
      return rollBackRules(context);
    case 'settle':
      return settleOverdue(context);
    default:
      throw new Error(`no verb ${verb}`);
  }
}

try {
  process.stdout.write(`${JSON.stringify(await run())}\n`);
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exitCode = 2;
}
