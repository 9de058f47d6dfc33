import type { HeaderOperations } from '@steelyard/core/model';
import { createField, type Field } from '@steelyard/http2';

interface FieldChange {
  /** Names of fields that go, or are replaced. */
  readonly gone: ReadonlySet<string>;
  readonly fields: readonly Field[];
}

/** The fields of a rule are made once: as the same objects in every call they have a place in the encoders' tables. */
const changes = new WeakMap<HeaderOperations, FieldChange>();

function changeOf(operations: HeaderOperations): FieldChange {
  let change = changes.get(operations);
  if (change === undefined) {
    const { set, add, remove } = operations;
    change = {
      gone: new Set([...remove, ...set.map(([name]) => name)]),
      // Of two that set a name the later one holds.
      fields: [...new Map(set), ...add].map(([name, value]) => createField(name, value, 'constant')),
    };
    changes.set(operations, change);
  }
  return change;
}

/** Whether nothing is to be done. */
export function changesNothing(operations: HeaderOperations | undefined): boolean {
  if (operations === undefined) return true;
  return operations.set.length === 0 && operations.add.length === 0 && operations.remove.length === 0;
}

/** Removed, then set, then added (Envoy, `HeaderParser::evaluateHeaders`). Pseudo-header fields are never touched. */
export function operateHeaders(fields: readonly Field[], operations: HeaderOperations): Field[] {
  const change = changeOf(operations);
  return [...fields.filter((field) => !change.gone.has(field.name.text)), ...change.fields];
}
