import type { ServiceEntry } from '@steelyard/core/model';
import type { RuleSetOptions } from '../compile/rule-options.ts';

/**
 * What was compiled from each Service, for as long as its entry and the options stay the same. A Snapshot keeps the
 * identity of what did not change, so after a change of one Service only that one is compiled, and the rest of the rules
 * keep their identity too: their difference is found without looking into them.
 */
export interface RuleMemo<Part> {
  get(entry: ServiceEntry, options: RuleSetOptions, make: () => Part): Part;
}

export function createRuleMemo<Part>(): RuleMemo<Part> {
  let lastOptions: RuleSetOptions | undefined;
  let key = '';
  let parts = new WeakMap<ServiceEntry, Part>();
  return {
    get(entry, options, make) {
      if (options !== lastOptions) {
        lastOptions = options;
        const next = JSON.stringify(options);
        if (next !== key) parts = new WeakMap();
        key = next;
      }
      const known = parts.get(entry);
      if (known !== undefined) return known;
      const made = make();
      parts.set(entry, made);
      return made;
    },
  };
}
