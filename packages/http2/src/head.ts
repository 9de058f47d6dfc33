import { FieldKind } from './hpack/field-name.ts';
import type { HeaderBlock } from './hpack/header-block.ts';

/** Whether a request is one of HEAD, whose responses have no content (RFC 9110 §9.3.2). Blocks of our own making count too. */
export function isHead({ fields, count }: HeaderBlock): boolean {
  for (let i = 0; i < count; i++) {
    const field = fields[i];
    if (field === undefined || field.name.kind !== FieldKind.METHOD) continue;
    // GET and POST, which nearly all are, stand in the static table (RFC 7541 Appendix A): no string is made for them.
    return field.staticIndex === 0 && field.length === 4 && field.text === 'HEAD';
  }
  return false;
}
