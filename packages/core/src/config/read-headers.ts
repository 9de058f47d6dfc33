import type { HeaderOperations, HeaderRules } from '../model/index.ts';
import type { FieldReader } from './field-reader.ts';

/**
 * What Envoy's router takes from a request after the route's header operations, beside what is taken here, too
 * (`x-envoy-retriable-header-names` and `-status-codes`); and what says the same.
 */
const TO_ENVOY: ReadonlyMap<string, string> = new Map([
  ['x-envoy-retry-on', 'retries.retryOn'],
  ['x-envoy-retry-grpc-on', 'retries.retryOn'],
  ['x-envoy-max-retries', 'retries.attempts'],
]);

export interface ReadHeaders {
  readonly rules?: HeaderRules;
  /** What `:authority` or `host` is set to: Istio takes it for a rewrite of the authority. */
  readonly authority?: string;
}

/** `headers` of a rule or of a destination. */
export function readHeaders(owner: FieldReader): ReadHeaders {
  const block = owner.mapping('headers');
  if (block === undefined) return {};
  const request = readOperations(block, 'request');
  const response = readOperations(block, 'response');
  block.finish();
  const isAuthority = ([name]: readonly [string, string]): boolean => name === ':authority' || name === 'host';
  const authorities = [...request.set, ...request.add].filter(isAuthority);
  if (authorities.length > 1) {
    block.fail('request', 'invalid-value', 'The authority is set twice; set it in one place only.');
  }
  const authority = authorities[0]?.[1];
  const others = {
    ...request,
    set: request.set.filter((entry) => !isAuthority(entry)),
    add: request.add.filter((entry) => !isAuthority(entry)),
  };
  const isEmpty = [others, response].every(({ set, add, remove }) => set.length + add.length + remove.length === 0);
  return { ...(!isEmpty && { rules: { request: others, response } }), ...(authority !== undefined && { authority }) };
}

function readOperations(owner: FieldReader, field: 'request' | 'response'): HeaderOperations {
  const block = owner.mapping(field);
  if (block === undefined) return { set: [], add: [], remove: [] };
  const set = readFields(block, 'set', field);
  const add = readFields(block, 'add', field);
  const remove = (block.strings('remove') ?? []).flatMap((text, index) => {
    const name = text.toLowerCase();
    if (isName(name)) return [name];
    // Envoy refuses to remove what it needs itself.
    const message = `Entry "${text}" of remove is no header that can be removed; name a header.`;
    block.report.report('invalid-value', block.at('remove', index), message);
    return [];
  });
  block.finish();
  return { set, add, remove };
}

function readFields(block: FieldReader, field: 'set' | 'add', side: string): readonly (readonly [string, string])[] {
  return Object.entries(block.stringMap(field) ?? {}).flatMap(([key, value]) => {
    const name = key.toLowerCase();
    const isAuthority = side === 'request' && (name === ':authority' || name === 'host');
    const at = block.at(field, key);
    if (!isAuthority && !isName(name)) {
      block.report.report('invalid-value', at, `"${key}" in ${field} is no header that can be changed; name a header.`);
      return [];
    }
    const instead = side === 'request' ? TO_ENVOY.get(name) : undefined;
    if (instead !== undefined) {
      const message = `Header ${key} tells Envoy how to treat the call, which is not honoured: it is sent as it stands; use ${instead}.`;
      block.report.report('field-not-honoured', at, message);
    }
    // RFC 9113 §8.2.1
    if (!/^[\t\u0020-\u007e\u0080-\u00ff]*$/.test(value) || value !== value.trim()) {
      block.report.report(
        'invalid-value',
        at,
        `The value of ${key} has a character that no header may have; remove it.`,
      );
      return [];
    }
    if (/%[A-Z_]+(?:\([^)]*\))?(?::\d+)?%/.test(value)) {
      const message = `The value of ${key} has a command of Envoy's (%…%), which is not honoured: it is sent as it stands.`;
      block.report.report('field-not-honoured', at, message);
    }
    return [[name, value.replaceAll('%%', '%')] as const];
  });
}

/** A token (RFC 9110 §5.6.2) that is no pseudo-header, nor what says where a message goes. */
function isName(name: string): boolean {
  return /^[!#$%&'*+.^_`|~0-9a-z-]+$/.test(name) && name !== 'host';
}
