import type { NamedMatch, TextMatch } from '../model/index.ts';
import type { FieldReader } from './field-reader.ts';
import { isMapping, nameOf } from './field-reader.ts';
import { createRegex, RegexSyntaxError } from './regex/regex.ts';

const KINDS = ['exact', 'prefix', 'regex'] as const;

/** Istio's `StringMatch`; one that says nothing asks for presence. */
export function readTextMatch(
  owner: FieldReader,
  field: string,
  emptyPrefix: 'allowed' | 'refused' = 'refused',
): TextMatch | undefined {
  const block = owner.mapping(field);
  if (block === undefined) return undefined;
  const given = KINDS.filter((kind) => block.has(kind));
  const [kind, second] = given;
  if (second !== undefined) {
    block.fail(second, 'invalid-value', `Only one of ${given.join(', ')} may be set; remove the others.`);
  }
  const text = kind === undefined ? undefined : block.string(kind);
  block.ignore(...KINDS);
  block.finish();
  if (kind === undefined) return { kind: 'present' };
  if (text === undefined) return undefined;
  if (kind === 'prefix' && text === '' && emptyPrefix === 'refused') {
    return block.fail('prefix', 'invalid-value', 'Only uri may have an empty prefix; fill it or remove it.');
  }
  if (kind !== 'regex') return { kind, text };
  // Istio takes a lone star for presence, though it is no regular expression.
  if (text === '*') return { kind: 'present' };
  return isRegex(block, 'regex', text) ? { kind: 'regex', pattern: text } : undefined;
}

/** Reports a pattern that is not of RE2's syntax. */
export function isRegex(reader: FieldReader, field: string, pattern: string): boolean {
  try {
    createRegex(pattern);
    return true;
  } catch (error) {
    if (!(error instanceof RegexSyntaxError)) throw error;
    const message = `Field ${field} must be a regular expression of RE2's syntax, and ${nameOf(pattern)} is not: ${error.message}.`;
    reader.fail(field, 'invalid-value', message);
    return false;
  }
}

/** A mapping of names to `StringMatch`. */
export function readNamedMatches(owner: FieldReader, field: string): readonly NamedMatch[] {
  const block = owner.mapping(field);
  const value = owner.value(field);
  if (block === undefined || !isMapping(value)) return [];
  return Object.keys(value).flatMap((name) => {
    if (field === 'headers' && !block.has(name)) {
      block.fail(name, 'invalid-value', `Header ${name} must be a mapping; {} asks for presence.`);
    }
    // Elsewhere null and {} ask for presence alike.
    const match = block.has(name) ? readTextMatch(block, name) : ({ kind: 'present' } as const);
    block.ignore(name);
    if (name === '') block.fail(name, 'invalid-value', `A name in ${field} is empty; write one.`);
    return match === undefined ? [] : [{ name, match }];
  });
}
