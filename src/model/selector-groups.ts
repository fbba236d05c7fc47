import { getOrMake } from '../util/get-or-make.ts';
import { type HostSelector, parseHostSelector, selectorKey } from './host-selector.ts';

/** One thing for each selector, however it is written. */
export interface SelectorGroups<T> {
  /** What belongs to a selector as it stands in an entry; made at the first call. */
  of(text: string): T;
  values(): Iterable<T>;
}

/** Each text is read once: thousands of entries name the same hosts. */
export function newSelectorGroups<T>(make: (selector: HostSelector, text: string) => T): SelectorGroups<T> {
  const byKey = new Map<string, T>();
  const byText = new Map<string, T>();
  return {
    of(text) {
      let group = byText.get(text);
      if (group === undefined) {
        const selector = parseHostSelector(text);
        group = getOrMake(byKey, selectorKey(selector), () => make(selector, text));
        byText.set(text, group);
      }
      return group;
    },
    values: () => byKey.values(),
  };
}
