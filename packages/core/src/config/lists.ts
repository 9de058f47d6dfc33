import type { FieldPath } from './field-path.ts';
import { isMapping } from './field-reader.ts';
import type { SourceDocument } from './source-document.ts';

/** One object of a document: the document itself, or an item of the List it is. */
export interface ListedObject {
  readonly document: SourceDocument;
  readonly value: unknown;
  /** Where the object stands in the document. */
  readonly base: FieldPath;
  readonly origin: { readonly file: string; readonly document: number; readonly item?: number };
  /** What an item of `XxxList` may leave out, as an API server's answer does. */
  readonly kind?: string;
  readonly apiVersion?: string;
}

/** A `List` holds objects of any kind, an `XxxList` those of kind Xxx; a List in a List is opened too. */
export function expandLists(document: SourceDocument, index: number): readonly ListedObject[] {
  const { file, value } = document;
  return expand({ document, value, base: [], origin: { file, document: index } });
}

function expand(listed: ListedObject): readonly ListedObject[] {
  if (!isMapping(listed.value)) return [listed];
  const fields = new Map<string, unknown>(Object.entries(listed.value));
  const kind = fields.get('kind');
  const items = fields.get('items') ?? [];
  if (typeof kind !== 'string' || !kind.endsWith('List') || !Array.isArray(items)) return [listed];
  const apiVersion = fields.get('apiVersion');
  const itemKind = kind.slice(0, -'List'.length);
  return items.flatMap((item: unknown, position) =>
    expand({
      document: listed.document,
      value: item,
      base: [...listed.base, 'items', position],
      // Of Lists in Lists, the outermost item is the place.
      origin: { item: position, ...listed.origin },
      ...(itemKind !== '' && { kind: itemKind }),
      ...(itemKind !== '' && typeof apiVersion === 'string' && { apiVersion }),
    }),
  );
}
