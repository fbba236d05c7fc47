import type { Context, Setting } from './context.ts';
import { thisHost } from './context.ts';
import { loadRegister } from './load-register.ts';

/** Every setting in force with the place it comes from. Values that lists hold are joined by commas. */
export async function showConfig(context: Context): Promise<readonly Setting[]> {
  const { register } = await loadRegister(context, null);
  const { policy } = register;
  const text = (value: unknown): string =>
    Array.isArray(value)
      ? value.map(text).join(', ') || '(none)'
      : typeof value === 'object'
        ? JSON.stringify(value)
        : String(value);
  const fromEnvironment = (name: string) => (context.env[name] === undefined ? 'default' : `environment ${name}`);
  return [
    ...context.settings,
    {
      name: 'host',
      value: thisHost(context.env),
      from: context.env.QUIETDOOR_HOST ? 'environment QUIETDOOR_HOST' : 'the machine',
    },
    { name: 'actor', value: context.actor, from: 'the operating system' },
    {
      name: 'allowedSigners',
      value: context.env.QUIETDOOR_ALLOWED_SIGNERS ?? '(/etc/quietdoor/config.yaml, else the base branch)',
      from: fromEnvironment('QUIETDOOR_ALLOWED_SIGNERS'),
    },
    {
      name: 'baseRef',
      value: context.env.QUIETDOOR_BASE_REF ?? '(origin/HEAD, else HEAD)',
      from: fromEnvironment('QUIETDOOR_BASE_REF'),
    },
    { name: 'name', value: register.name, from: 'quietdoor.yaml' },
    { name: 'site', value: register.site, from: 'quietdoor.yaml or default' },
    ...register.frameworks.map((f) => ({
      name: 'framework',
      value: f.baseline ? `${f.id} (${f.baseline})` : f.id,
      from: 'quietdoor.yaml or default',
    })),
    ...Object.entries(policy).map(([name, value]) => ({
      name: `policy.${name}`,
      value: text(value),
      from: 'quietdoor.yaml or default',
    })),
  ];
}
