import { mergePorts } from '../model/port-ranges.ts';
import type { Policy } from '../model/register.ts';
import { type ConfigReader, type Said, sorted } from './config-reader.ts';
import { configSchema } from './config-schema.ts';
import { type Issue, take, zodIssues } from './issues.ts';
import { readPorts } from './normalise.ts';
import type { YamlPath } from './positions.ts';
import { readDays, readHours } from './times.ts';

/** Reads `policy`; each setting is judged by itself. */
export function readPolicy(read: ConfigReader): { readonly [K in keyof Policy]?: Said<Policy[K]> } {
  const raw = read.raw('policy');
  if (raw === undefined) return {};
  const schema = configSchema.shape.policy.unwrap();
  const parsed = schema.safeParse(raw);
  let value = parsed.data;
  if (!parsed.success) {
    read.report(zodIssues(parsed.error, schema, raw), ['policy']);
    if (raw === null || typeof raw !== 'object' || Array.isArray(raw)) return {};
    // The settings that are right by themselves still count.
    const fine = Object.entries(raw).filter(
      ([key, member]) =>
        Object.hasOwn(schema.shape, key) && schema.shape[key as keyof typeof schema.shape].safeParse(member).success,
    );
    value = schema.parse(Object.fromEntries(fine));
  }
  if (!value) return {};
  const policy: { -readonly [K in keyof Policy]?: Said<Policy[K]> } = {};
  const issues: Issue[] = [];
  const set = <K extends keyof Policy>(key: K, written: string, setting: Policy[K] | undefined) => {
    if (setting !== undefined) policy[key] = { value: setting, at: read.at(['policy', written]) } as (typeof policy)[K];
  };
  const days = (text: string | undefined, path: YamlPath) =>
    text === undefined ? undefined : take(readDays(text), path, issues);
  const hours = (text: string | undefined, path: YamlPath) =>
    text === undefined ? undefined : take(readHours(text), path, issues);
  set(
    'prohibited',
    'prohibited',
    value.prohibited
      ?.map((item, i) => {
        const transport = item.transport ?? 'tcp';
        const found: Issue[] = [];
        const ports = readPorts(item.port, transport, found);
        issues.push(...found.map((issue) => ({ ...issue, path: ['prohibited', i, ...issue.path] })));
        return { transport, ports: mergePorts(ports), reason: item.reason };
      })
      .filter((item) => item.ports.length > 0),
  );
  set('allow', 'allow', value.allow);
  set('approvers', 'approvers', value.approvers === undefined ? undefined : sorted(value.approvers));
  set('reviewEveryDays', 'review', days(value.review, ['review']));
  if (value.reviewByData !== undefined) {
    const byData: [string, number][] = [];
    for (const [name, text] of Object.entries(value.reviewByData)) {
      const interval = days(text, ['reviewByData', name]);
      if (interval !== undefined) byData.push([name.toLowerCase(), interval]);
    }
    set('reviewEveryDaysByData', 'reviewByData', Object.fromEntries(byData));
  }
  set('logReviewEveryDays', 'reviewLog', days(value.reviewLog, ['reviewLog']));
  set('dueSoonDays', 'dueSoon', days(value.dueSoon, ['dueSoon']));
  set('exceptionMaxDays', 'exceptionMax', days(value.exceptionMax, ['exceptionMax']));
  set('staleAfterHours', 'staleAfter', hours(value.staleAfter, ['staleAfter']));
  set('observeWithinHours', 'observeWithin', hours(value.observeWithin, ['observeWithin']));
  set('certificateWarnDays', 'certificateWarn', days(value.certificateWarn, ['certificateWarn']));
  set('ticketWindowHours', 'ticketWindow', hours(value.ticketWindow, ['ticketWindow']));
  set('silentAfterDays', 'silentAfter', days(value.silentAfter, ['silentAfter']));
  set('privilegedAllowed', 'privileged', value.privileged === undefined ? undefined : sorted(value.privileged));
  set('claimed', 'claimed', value.claimed);
  read.report(issues, ['policy']);
  return policy;
}
