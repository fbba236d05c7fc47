import { ALWAYS, type Condition } from '../model/ruleset.ts';
import { allOf, anyOf, type Field } from './nftables-field.ts';
import { listOf, mapOf } from './untrusted.ts';

/** Several fields together: `ip saddr . tcp dport`. An element has a value for each. */
export function concatField(fields: readonly Field[]): Field {
  // Most elements differ by one address: those that share the rest become one condition.
  const grouped = Math.max(
    0,
    fields.findIndex((field) => field.kind === 'addresses'),
  );
  return {
    kind: 'other',
    guard: fields.flatMap((field) => field.guard),
    oneOf: (values, reading) => {
      const groups = new Map<string, { readonly parts: readonly unknown[]; readonly values: unknown[] }>();
      const rest: Condition[] = [];
      for (const value of values) {
        if (value === '*') return ALWAYS;
        const parts = listOf(mapOf(value).concat);
        if (parts.length !== fields.length) {
          if (rest.length === 0)
            rest.push(reading.unsupported('an element is listed with another number of parts than the rule has'));
          continue;
        }
        const key = JSON.stringify(parts.map((part, i) => (i === grouped ? null : part)));
        const group = groups.get(key);
        if (group === undefined) groups.set(key, { parts, values: [parts[grouped]] });
        else group.values.push(parts[grouped]);
      }
      const conditions = [...groups.values()].map((group) =>
        allOf(fields.map((field, i) => field.oneOf(i === grouped ? group.values : [group.parts[i]], reading))),
      );
      return anyOf([...conditions, ...rest]);
    },
  };
}
