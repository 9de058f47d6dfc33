import type { Rewrite, RouteAnswer } from '../model/index.ts';
import type { FieldReader } from './field-reader.ts';
import { PORT_NUMBER } from './parse-service.ts';
import { isRegex } from './read-text-match.ts';

/** Istio's limit of a direct response's body. */
const LONGEST_BODY = 1_048_576;

export function readRedirect(rule: FieldReader): RouteAnswer | undefined {
  const block = rule.mapping('redirect');
  if (block === undefined) return undefined;
  const uri = block.string('uri');
  const prefixRewrite = block.string('prefixRewrite');
  const authority = block.string('authority');
  const scheme = block.word('scheme', ['http', 'https']);
  const port = block.integer('port', PORT_NUMBER);
  const derivePort = block.word('derivePort', ['FROM_PROTOCOL_DEFAULT', 'FROM_REQUEST_PORT']);
  const status = block.integer('redirectCode', { min: 0, max: 399 }) ?? 0;
  block.finish();
  const says = (field: string): boolean => block.has(field) && block.value(field) !== '';
  if (!['uri', 'prefixRewrite', 'authority', 'scheme', 'port', 'derivePort'].some(says)) {
    rule.fail('redirect', 'invalid-value', 'Field redirect must say where to; fill it or remove it.');
  }
  if (port !== undefined && derivePort !== undefined) {
    block.fail('derivePort', 'invalid-value', 'Only one of port and derivePort may be set; remove one.');
  }
  if (uri !== undefined && uri !== '' && prefixRewrite !== undefined && prefixRewrite !== '') {
    block.fail('prefixRewrite', 'invalid-value', 'Only one of uri and prefixRewrite may be set; remove one.');
  }
  if (status !== 0 && status < 300) {
    block.fail('redirectCode', 'invalid-value', `Field redirectCode must be from 300 to 399, not ${status}.`);
  }
  const derived = derivePort === undefined ? undefined : DERIVED_PORTS[derivePort];
  return {
    kind: 'redirect',
    status: status === 0 ? 301 : status,
    ...(uri !== undefined && uri !== '' && { uri }),
    ...(prefixRewrite !== undefined && { prefixRewrite }),
    ...(authority !== undefined && authority !== '' && { authority }),
    ...(scheme !== undefined && { scheme }),
    ...(port !== undefined ? { port } : derived !== undefined && { port: derived }),
  };
}

const DERIVED_PORTS = { FROM_PROTOCOL_DEFAULT: 'from-protocol', FROM_REQUEST_PORT: 'from-request' } as const;

export function readDirectResponse(rule: FieldReader): RouteAnswer | undefined {
  const block = rule.mapping('directResponse');
  if (block === undefined) return undefined;
  block.require('status');
  const status = block.integer('status', { min: 200, max: 600 });
  const body = block.mapping('body');
  const text = body?.string('string');
  const bytes = body?.string('bytes');
  body?.finish();
  block.finish();
  if (text !== undefined && bytes !== undefined) {
    body?.fail('bytes', 'invalid-value', 'Only one of string and bytes may be set; remove one.');
  }
  if (bytes !== undefined && !/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}(?:==)?|[A-Za-z0-9+/]{3}=?)?$/.test(bytes)) {
    body?.fail('bytes', 'invalid-value', 'Field bytes must be in base64.');
  }
  if ((text ?? bytes ?? '').length > LONGEST_BODY) {
    block.fail('body', 'invalid-value', `Field body must be of at most ${LONGEST_BODY} octets; shorten it.`);
  }
  return status === undefined ? undefined : { kind: 'direct', status, body: text ?? decodeBase64(bytes ?? '') };
}

/** As text; a body that is no text is of no use in a gRPC status. */
function decodeBase64(text: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
  let escaped = '';
  let bits = 0;
  let held = 0;
  for (const char of text.replaceAll('=', '')) {
    held = (held << 6) | Math.max(0, alphabet.indexOf(char));
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    escaped += `%${((held >> bits) & 0xff).toString(16).padStart(2, '0')}`;
    held &= (1 << bits) - 1;
  }
  try {
    return decodeURIComponent(escaped);
  } catch {
    return '';
  }
}

export function readRewrite(rule: FieldReader): Rewrite | undefined {
  const block = rule.mapping('rewrite');
  if (block === undefined) return undefined;
  const uri = block.string('uri');
  const authority = block.string('authority');
  const regex = block.mapping('uriRegexRewrite');
  const pattern = regex?.string('match');
  const substitution = regex?.string('rewrite');
  regex?.finish();
  block.finish();
  if (uri === undefined && authority === undefined && regex === undefined) {
    rule.fail(
      'rewrite',
      'invalid-value',
      'Field rewrite needs uri, uriRegexRewrite or authority; add one or remove it.',
    );
  }
  if (uri !== undefined && regex !== undefined) {
    block.fail('uriRegexRewrite', 'invalid-value', 'Only one of uri and uriRegexRewrite may be set; remove one.');
  }
  if (regex !== undefined && (pattern === undefined || pattern === '' || substitution === undefined)) {
    block.fail(
      'uriRegexRewrite',
      'invalid-value',
      'Field uriRegexRewrite needs both match and rewrite; add what is missing.',
    );
  }
  if (regex !== undefined && pattern !== undefined && !isRegex(regex, 'match', pattern)) return undefined;
  const path =
    uri !== undefined && uri !== ''
      ? ({ kind: 'prefix', text: uri } as const)
      : pattern !== undefined && ({ kind: 'regex', pattern, substitution: substitution ?? '' } as const);
  return { ...(path !== false && { path }), ...(authority !== undefined && authority !== '' && { authority }) };
}
