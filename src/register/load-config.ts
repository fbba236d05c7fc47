import type { Severity } from '../model/finding.ts';
import type { FrameworkChoice, HostDeclaration, Owner, Policy, RegisterProblem, Zone } from '../model/register.ts';
import type { ScheduleItem } from '../model/schedule.ts';
import { ConfigReader, type Said } from './config-reader.ts';
import { configSchema } from './config-schema.ts';
import { keyHint, toProblem } from './issues.ts';
import type { AlertLayer } from './load-alerts.ts';
import { readWitnesses } from './load-ledger.ts';
import { readNames } from './load-names.ts';
import { readPolicy } from './load-policy.ts';
import { readScanPolicy, type ScanLayer } from './load-scan-policy.ts';
import { type RetentionLayer, readTraffic } from './load-traffic.ts';
import { readVulnerabilities, type VulnerabilityPaths } from './load-vulnerabilities.ts';
import type { LineIndex } from './positions.ts';
import type { YamlError, YamlPart } from './yaml-parts.ts';

/** What one quietdoor.yaml (or shared policy file) says; what it does not say is absent. */
export interface ConfigLayer {
  readonly name?: string;
  readonly boundary?: string;
  readonly site?: string;
  readonly authority?: 'git' | 'server';
  readonly failOn?: Severity;
  readonly extends: ReadonlyArray<Said<string>>;
  readonly owners: ReadonlyMap<string, Said<Owner>>;
  readonly zones: ReadonlyMap<string, Said<Zone>>;
  readonly hosts: ReadonlyMap<string, Said<HostDeclaration>>;
  readonly policy: { readonly [K in keyof Policy]?: Said<Policy[K]> };
  readonly frameworks?: readonly FrameworkChoice[];
  /** By name, in the order of the file. */
  readonly schedule?: ReadonlyMap<string, Said<ScheduleItem>>;
  readonly scan?: ScanLayer;
  readonly vulnerabilities?: VulnerabilityPaths;
  readonly alerts?: AlertLayer;
  readonly traffic?: RetentionLayer;
  readonly witnesses?: readonly string[];
  /** Declared, but their CIDRs could not be read. */
  readonly brokenZones: readonly string[];
  readonly problems: readonly RegisterProblem[];
}

/**
 * Reads the config from the parts of a YAML file. Each key, and each owner, zone, host and policy setting, is judged by
 * itself: an error costs only it. `lists`: keys that are read elsewhere (`ports` of a shared file).
 */
export async function readConfig(
  sections: readonly YamlPart[],
  errors: readonly YamlError[],
  lines: LineIndex,
  lists: readonly string[],
): Promise<ConfigLayer> {
  const problems: RegisterProblem[] = [];
  for (const error of errors) {
    const hint = error.hint === undefined ? {} : { hint: error.hint };
    const { code, message } = error;
    problems.push({
      severity: 'error',
      code,
      message,
      ...hint,
      at: lines.position(error.offset),
      mightCover: 'anything',
    });
  }
  const parts = new Map<string, YamlPart>();
  for (const part of sections) {
    if (part.value === null || typeof part.value !== 'object' || Array.isArray(part.value)) {
      const message = 'expected a map of keys and values at the left margin';
      problems.push({
        severity: 'error',
        code: 'wrong-type',
        message,
        at: lines.position(part.start()),
        mightCover: 'anything',
      });
      continue;
    }
    for (const key of Object.keys(part.value)) {
      if (Object.hasOwn(configSchema.shape, key)) parts.set(key, part);
      else if (!lists.includes(key)) {
        const elsewhere: Readonly<Record<string, string>> = {
          ports: 'register entries go into files under register/',
          exceptions: 'exceptions go into exceptions.yaml',
        };
        const hint = (Object.hasOwn(elsewhere, key) && elsewhere[key]) || keyHint(key, Object.keys(configSchema.shape));
        const message = `unknown key "${key.slice(0, 60)}"`;
        problems.push(toProblem({ path: [key], what: 'key', code: 'unknown-key', message, hint }, part, lines));
      }
    }
  }
  const isWhole = problems.length === 0;
  const read = new ConfigReader(parts, lines, problems);
  const scan = readScanPolicy(read, isWhole);
  const vulnerabilities = readVulnerabilities(read);
  const traffic = readTraffic(read);
  const witnesses = readWitnesses(read);
  return {
    ...readSimple(read),
    ...readNames(read),
    policy: readPolicy(read),
    ...(parts.has('schedule') && { schedule: (await import('./load-schedule.ts')).readSchedule(read) }),
    ...(scan && { scan }),
    ...(vulnerabilities && { vulnerabilities }),
    ...(traffic && { traffic }),
    ...(witnesses && { witnesses }),
    ...(parts.has('alerts') && { alerts: (await import('./load-alerts.ts')).readAlerts(read) }),
    problems,
  };
}

function readSimple(read: ConfigReader) {
  const shape = configSchema.shape;
  const one = <K extends 'name' | 'boundary' | 'site' | 'authority'>(key: K) => {
    const raw = read.raw(key);
    return raw === undefined ? undefined : read.value([key], raw, shape[key].unwrap(), (value) => value.trim());
  };
  const raw = read.raw('extends');
  const bases =
    raw === undefined
      ? []
      : (read.value(['extends'], raw, shape.extends.unwrap(), (value) => (Array.isArray(value) ? value : [value])) ??
        []);
  const extended = bases.map((path, i) => ({
    value: path.trim(),
    at: read.at(Array.isArray(raw) ? ['extends', i] : ['extends']),
  }));
  const chosen = readFrameworks(read);
  const thresholds = read.raw('thresholds');
  const failOn =
    thresholds === undefined
      ? undefined
      : read.value(['thresholds'], thresholds, shape.thresholds.unwrap(), (value) => value.failOn);
  const authority = one('authority') as 'git' | 'server' | undefined;
  const [name, boundary, site] = [one('name'), one('boundary'), one('site')];
  return {
    ...(name === undefined ? {} : { name }),
    ...(boundary === undefined ? {} : { boundary }),
    ...(site === undefined ? {} : { site }),
    ...(authority === undefined ? {} : { authority }),
    ...(failOn === undefined ? {} : { failOn }),
    ...(chosen === undefined ? {} : { frameworks: chosen }),
    extends: extended,
  };
}

/** Each framework is judged by itself; none that is right is the same as none that is said. */
function readFrameworks(read: ConfigReader): readonly FrameworkChoice[] | undefined {
  const raw = read.raw('frameworks');
  if (raw === undefined) return undefined;
  const schema = configSchema.shape.frameworks.unwrap();
  if (!Array.isArray(raw)) {
    read.value(['frameworks'], raw, schema, () => null);
    return undefined;
  }
  const chosen = raw.flatMap((item, i): FrameworkChoice[] => {
    const choice = read.value(['frameworks', i], item, schema.element, (value, issues): FrameworkChoice => {
      if (typeof value === 'string') return { id: value };
      if (value.baseline === undefined) return { id: value.id };
      if (value.id !== 'nist-800-53-r5')
        issues.push({ path: ['baseline'], code: 'bad-value', message: `baseline: ${value.id} has no baselines` });
      return { id: value.id, baseline: value.baseline };
    });
    return choice ? [choice] : [];
  });
  return chosen.length > 0 ? chosen : undefined;
}
