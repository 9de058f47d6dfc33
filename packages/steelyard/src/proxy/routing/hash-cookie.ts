import { hashText } from '@steelyard/core/balance';
import type { HashKey } from '@steelyard/core/model';
import { createField, type Field } from '@steelyard/http2';

/** A cookie for a caller that has none yet. */
export interface HashCookie {
  /** Of its value: where the call goes, and later calls that bring the cookie. */
  readonly hash: number;
  /** `set-cookie` */
  readonly field: Field;
}

/**
 * istio.io, `ConsistentHashLB.HTTPCookie`: one is made where a `ttl` is given. As in Envoy its value follows from the two
 * ends of the connection, so that calls that are made before the first answer is there go to the same pod.
 *
 * @param connection both ends of the caller's connection
 */
export function createHashCookie(key: HashKey, connection: string): HashCookie | undefined {
  if (key.kind !== 'cookie' || key.ttlMs === undefined) return undefined;
  const value = hex(hashText(connection)) + hex(hashText(`${connection} again`));
  const attributes = [
    `${key.name}="${value}"`,
    // Without it the cookie ends with its caller's session.
    ...(key.ttlMs === 0 ? [] : [`Max-Age=${Math.ceil(key.ttlMs / 1000)}`]),
    ...(key.path === undefined || key.path === '' ? [] : [`Path=${key.path}`]),
    ...(key.attributes ?? []).map(([name, text]) => (text === '' ? name : `${name}=${text}`)),
    'HttpOnly',
  ];
  return { hash: hashText(value), field: createField('set-cookie', attributes.join('; ')) };
}

function hex(value: number): string {
  return value.toString(16).padStart(8, '0');
}
