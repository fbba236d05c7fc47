import { UNKNOWN_VALUE } from './aws-traffic.ts';
import { listOf, mapOf, textOf, type Values } from './untrusted.ts';

/** A managed resource of a state or plan, one instance of `count` or `for_each`. */
export interface TerraformResource {
  /** `module.net["a"].aws_security_group.web[0]`. */
  readonly address: string;
  /** Address of its module; empty: the root. */
  readonly module: string;
  readonly type: string;
  readonly name: string;
  readonly values: Values;
  /** Parts of the values that are known after apply only: the same shape, `true` where one is. */
  readonly unknown: unknown;
  /** As the configuration has its arguments; null: the file holds no configuration. */
  readonly expressions: Values | null;
}

/** What a file of `terraform show -json` holds. */
export interface TerraformFile {
  readonly resources: readonly TerraformResource[];
  readonly isPlan: boolean;
  /** Addresses of the resources of the module that references mean; null where that is not certain. */
  resolve(module: string, references: unknown, depth?: number): readonly TerraformResource[] | null;
}

/** The key of one instance of count or for_each: `[0]`, `["eu.1"]`. */
const KEY = String.raw`\[(?:"(?:[^"\\]|\\.)*"|\d+)\]`;
const KEYS = new RegExp(KEY, 'g');
const RESOURCE = new RegExp(`^([a-z]\\w*)\\.([\\w-]+)(${KEY})?\\.id$`);
const OUTPUT = new RegExp(`^(module\\.[\\w-]+(?:${KEY})?)\\.([\\w-]+)$`);
const CALL = new RegExp(`^(?:(.*)\\.)?module\\.([\\w-]+)(?:${KEY})?$`);

const MAX_RESOURCES = 200_000;

/** Reads the document (developer.hashicorp.com/terraform/internals/json-format). Module trees are walked, not recursed. */
export function readTerraform(document: Values): TerraformFile {
  const isPlan = document.planned_values !== undefined;
  const unknowns = new Map<string, unknown>();
  for (const item of listOf(document.resource_changes)) {
    const { address, change } = mapOf(item);
    if (typeof address === 'string') unknowns.set(address, mapOf(change).after_unknown);
  }
  const configuration = mapOf(mapOf(document.configuration).root_module);
  const hasConfiguration = mapOf(document.configuration).root_module !== undefined;
  const resources: TerraformResource[] = [];
  const byName = new Map<string, TerraformResource[]>();
  const configs = new Map<string, Values>([['', configuration]]);
  const modules = [{ values: mapOf(mapOf(document.planned_values ?? document.values).root_module), module: '' }];
  for (let next = modules.pop(); next !== undefined && resources.length < MAX_RESOURCES; next = modules.pop()) {
    const { values, module } = next;
    const config = configOf(module);
    const written = new Map<string, Values>();
    for (const item of listOf(config.resources)) {
      const { address, expressions } = mapOf(item);
      if (typeof address === 'string') written.set(address, mapOf(expressions));
    }
    for (const item of listOf(values.resources)) {
      const raw = mapOf(item);
      const type = textOf(raw.type);
      const name = textOf(raw.name);
      if (raw.mode === 'data' || type === null || name === null) continue;
      const address = typeof raw.address === 'string' ? raw.address : `${type}.${name}`;
      const expressions = hasConfiguration ? (written.get(`${type}.${name}`) ?? null) : null;
      const unknown = unknowns.get(address);
      const resource = { address, module, type, name, values: mapOf(raw.values), unknown, expressions };
      resources.push(resource);
      const key = `${module}|${type}.${name}`;
      const same = byName.get(key);
      if (same) same.push(resource);
      else byName.set(key, [resource]);
    }
    for (const child of listOf(values.child_modules)) {
      const address = mapOf(child).address;
      if (typeof address === 'string') modules.push({ values: mapOf(child), module: address });
    }
  }

  /** The configuration of a module: its address without the keys of count and for_each. */
  function configOf(module: string): Values {
    let config = configs.get(module);
    if (config !== undefined) return config;
    config = configuration;
    for (const [, name = ''] of module.replaceAll(KEYS, '').matchAll(/(?:^|\.)module\.([\w-]+)/g))
      config = mapOf(mapOf(mapOf(config.module_calls)[name]).module);
    configs.set(module, config);
    return config;
  }

  function resolve(module: string, references: unknown, depth = 0): readonly TerraformResource[] | null {
    const all = listOf(references).filter((text) => typeof text === 'string');
    // Terraform lists each reference with its beginnings: `a.b.id`, `a.b`.
    const whole = all.filter((one) => !all.some((o) => o.startsWith(`${one}.`) || o.startsWith(`${one}[`)));
    if (whole.length === 0 || whole.length > 100 || depth > 10) return null;
    const found: TerraformResource[] = [];
    for (const reference of whole) {
      const some = resolveOne(module, reference, depth);
      if (some === null) return null;
      found.push(...some);
    }
    return found;
  }

  function resolveOne(module: string, reference: string, depth: number): readonly TerraformResource[] | null {
    const resource = RESOURCE.exec(reference);
    if (resource && resource[1] !== 'var' && resource[1] !== 'module' && resource[1] !== 'data') {
      const [, type, name, key = ''] = resource;
      const instances = byName.get(`${module}|${type}.${name}`) ?? [];
      const suffix = `${type}.${name}${key}`;
      const exact = instances.filter(({ address }) => address === (module === '' ? suffix : `${module}.${suffix}`));
      return exact.length === 1 ? exact : null;
    }
    const variable = /^var\.([\w-]+)$/.exec(reference);
    if (variable && module !== '') {
      const [, parent = '', name = ''] = CALL.exec(module) ?? [];
      const call = mapOf(mapOf(configOf(parent).module_calls)[name]);
      const argument = mapOf(mapOf(call.expressions)[variable[1] as string]);
      return resolve(parent, argument.references, depth + 1);
    }
    const output = OUTPUT.exec(reference);
    if (output) {
      const child = module === '' ? (output[1] as string) : `${module}.${output[1]}`;
      const expression = mapOf(mapOf(mapOf(configOf(child).outputs)[output[2] as string]).expression);
      return resolve(child, expression.references, depth + 1);
    }
    return null;
  }

  return { resources, isPlan, resolve };
}

/** A value of a resource or block, or UNKNOWN_VALUE; null and undefined: not set. */
export function attributeOf(values: Values, unknown: unknown, key: string): unknown {
  if (unknown === true || mapOf(unknown)[key] === true) return UNKNOWN_VALUE;
  return values[key];
}

/** The blocks of a list, each with its unknown half; UNKNOWN_VALUE where the list as a whole is unknown. */
export function blocksOf(
  values: Values,
  unknown: unknown,
  key: string,
): ReadonlyArray<{ readonly values: Values; readonly unknown: unknown }> | typeof UNKNOWN_VALUE {
  const list = attributeOf(values, unknown, key);
  if (list === UNKNOWN_VALUE) return UNKNOWN_VALUE;
  const halves = mapOf(unknown)[key];
  return listOf(list).map((item, i) => ({ values: mapOf(item), unknown: listOf(halves)[i] }));
}

/** Texts of a list; UNKNOWN_VALUE where any of them is unknown. */
export function textsOf(values: Values, unknown: unknown, key: string): readonly string[] | typeof UNKNOWN_VALUE {
  const list = attributeOf(values, unknown, key);
  if (list === UNKNOWN_VALUE || listOf(mapOf(unknown)[key]).includes(true)) return UNKNOWN_VALUE;
  return listOf(list)
    .map(textOf)
    .filter((text) => text !== null);
}
