import { latin1Bytes } from './bytes.ts';
import { Field, fieldName, wellKnownName } from './field.ts';
import { FieldName } from './field-name.ts';

/** RFC 7541 Appendix A, from index 1. */
const ENTRIES: readonly (readonly [name: string, value: string])[] = [
  [':authority', ''],
  [':method', 'GET'],
  [':method', 'POST'],
  [':path', '/'],
  [':path', '/index.html'],
  [':scheme', 'http'],
  [':scheme', 'https'],
  [':status', '200'],
  [':status', '204'],
  [':status', '206'],
  [':status', '304'],
  [':status', '400'],
  [':status', '404'],
  [':status', '500'],
  ['accept-charset', ''],
  ['accept-encoding', 'gzip, deflate'],
  ['accept-language', ''],
  ['accept-ranges', ''],
  ['accept', ''],
  ['access-control-allow-origin', ''],
  ['age', ''],
  ['allow', ''],
  ['authorization', ''],
  ['cache-control', ''],
  ['content-disposition', ''],
  ['content-encoding', ''],
  ['content-language', ''],
  ['content-length', ''],
  ['content-location', ''],
  ['content-range', ''],
  ['content-type', ''],
  ['cookie', ''],
  ['date', ''],
  ['etag', ''],
  ['expect', ''],
  ['expires', ''],
  ['from', ''],
  ['host', ''],
  ['if-match', ''],
  ['if-modified-since', ''],
  ['if-none-match', ''],
  ['if-range', ''],
  ['if-unmodified-since', ''],
  ['last-modified', ''],
  ['link', ''],
  ['location', ''],
  ['max-forwards', ''],
  ['proxy-authenticate', ''],
  ['proxy-authorization', ''],
  ['range', ''],
  ['referer', ''],
  ['refresh', ''],
  ['retry-after', ''],
  ['server', ''],
  ['set-cookie', ''],
  ['strict-transport-security', ''],
  ['transfer-encoding', ''],
  ['user-agent', ''],
  ['vary', ''],
  ['via', ''],
  ['www-authenticate', ''],
];

/** Entry `i` of the static table is `STATIC_TABLE[i - 1]`. */
export const STATIC_TABLE: readonly Field[] = ENTRIES.map(([text, value], position) => {
  const firstOfName = ENTRIES.findIndex(([other]) => other === text) + 1;
  const bytes = latin1Bytes(value);
  return new Field(
    fieldName(text, firstOfName),
    bytes,
    0,
    bytes.length,
    false,
    bytes.length,
    false,
    false,
    true,
    position + 1,
  );
});

export const STATIC_COUNT: number = ENTRIES.length;

/** The well-known name with this text, or a fresh one that nobody else knows: peers cannot grow the registry. */
export function foreignFieldName(text: string): FieldName {
  return wellKnownName(text) ?? new FieldName(text, 0);
}
