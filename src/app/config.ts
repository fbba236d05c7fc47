import { DAY_MS, type Policy, type Register } from '../model/register.ts';
import { writtenKeys } from '../register/written-keys.ts';
import { type Context, type Setting, thisHost, WORKSPACE_FILE } from './context.ts';
import { loadRegister } from './load-register.ts';

/** Keys of `policy:` as they are written, with the value in force as it would be written. */
const POLICY: readonly (readonly [key: string, write: (policy: Policy) => string])[] = [
  ['prohibited', (policy) => countOf(policy.prohibited, 'own prohibition')],
  ['allow', (policy) => policy.allow.map((item) => item.service).join(', ') || '(none)'],
  ['approvers', (policy) => policy.approvers.join(', ') || '(anybody but the author of the change)'],
  ['claimed', (policy) => policy.claimed ?? 'medium'],
  ['review', (policy) => `${policy.reviewEveryDays}d`],
  ['reviewByData', (policy) => namesAndDays(policy.reviewEveryDaysByData)],
  ['dueSoon', (policy) => `${policy.dueSoonDays}d`],
  ['exceptionMax', (policy) => `${policy.exceptionMaxDays}d`],
  ['staleAfter', (policy) => `${policy.staleAfterHours}h`],
  ['silentAfter', (policy) => `${policy.silentAfterDays}d`],
  ['observeWithin', (policy) => `${policy.observeWithinHours ?? 168}h`],
  ['certificateWarn', (policy) => `${policy.certificateWarnDays ?? 30}d`],
  ['ticketWindow', (policy) => `${policy.ticketWindowHours ?? 24}h`],
  ['privileged', (policy) => policy.privilegedAllowed.join(', ') || '(none)'],
];

/** Every setting in force with the place it comes from. */
export async function showConfig(context: Context): Promise<readonly Setting[]> {
  const { register, files } = await loadRegister(context, null);
  const written = writtenKeys(files.find((file) => file.path === WORKSPACE_FILE)?.text ?? '');
  const extended = files.some((file) => file.kind === 'config' && file.path !== WORKSPACE_FILE);
  const origin = (key: string) => (written.has(key) ? WORKSPACE_FILE : extended ? 'extends, or default' : 'default');
  const variable = (name: string, otherwise: string): Pick<Setting, 'value' | 'from'> =>
    context.env[name]
      ? { value: context.env[name], from: `environment ${name}` }
      : { value: otherwise, from: 'default' };
  const frameworks = register.frameworks.map(({ id, baseline }) => (baseline ? `${id} (${baseline})` : id));
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
      ...variable('QUIETDOOR_ALLOWED_SIGNERS', '/etc/quietdoor/config.yaml, else the base branch'),
    },
    { name: 'baseRef', ...variable('QUIETDOOR_BASE_REF', 'origin/HEAD, else HEAD') },
    { name: 'name', value: register.name, from: origin('name') },
    { name: 'site', value: register.site, from: origin('site') },
    { name: 'frameworks', value: frameworks.join(', ') || '(none)', from: origin('frameworks') },
    { name: 'thresholds.failOn', value: register.failOn ?? 'medium', from: origin('thresholds.failOn') },
    ...POLICY.map(([key, write]) => ({
      name: `policy.${key}`,
      value: write(register.policy),
      from: origin(`policy.${key}`),
    })),
    ...regularSettings(register, origin),
  ];
}

/** What runs regularly, what scans are bound by, and the vulnerability data; nothing where nothing is said. */
function regularSettings(
  { schedule = [], scan, traffic, vulnerabilities }: Register,
  origin: (key: string) => string,
): Setting[] {
  return [
    ...schedule.map(({ name, cron, timeZone, run, graceMs }) => ({
      name: `schedule.${name}`,
      value: `${cron} ${timeZone}: ${run.join(' ')} (missed after ${graceWords(graceMs)})`,
      from: origin('schedule'),
    })),
    ...(scan
      ? [
          { name: 'scan.rate', value: String(scan.rate ?? "(the scan's own)"), from: origin('scan.rate') },
          {
            name: 'scan.ratePerHost',
            value: String(scan.ratePerHost ?? "(the scan's own)"),
            from: origin('scan.ratePerHost'),
          },
          {
            name: 'scan.exclude',
            value: scan.exclude.map(({ target, reason }) => `${target} (${reason})`).join(', ') || '(none)',
            from: origin('scan.exclude'),
          },
        ]
      : []),
    ...(traffic
      ? [
          {
            name: 'traffic.keep',
            value: `five minutes ${traffic.retention.fiveMinuteDays}d, hours ${traffic.retention.hourDays}d, days ${traffic.retention.dayDays}d`,
            from: origin('traffic.keep'),
          },
        ]
      : []),
    ...(vulnerabilities
      ? [
          {
            name: 'vulnerabilities.osv',
            value: vulnerabilities.osv.join(', ') || '(none)',
            from: origin('vulnerabilities.osv'),
          },
          { name: 'vulnerabilities.kev', value: vulnerabilities.kev ?? '(none)', from: origin('vulnerabilities.kev') },
        ]
      : []),
  ];
}

function graceWords(ms: number): string {
  if (ms % DAY_MS === 0) return `${ms / DAY_MS}d`;
  return ms % 3_600_000 === 0 ? `${ms / 3_600_000}h` : `${Math.round(ms / 60_000)}min`;
}

function countOf(list: readonly unknown[], noun: string): string {
  return list.length === 0 ? '(none)' : `${list.length} ${noun}${list.length === 1 ? '' : 's'}`;
}

function namesAndDays(map: Readonly<Record<string, number>>): string {
  return (
    Object.entries(map)
      .map(([name, days]) => `${name}: ${days}d`)
      .join(', ') || '(none)'
  );
}
