import type { NamedMatch, RouteMatch, TextMatch } from '../model/index.ts';
import type { HttpMatch } from './config-object.ts';
import type { FieldReader } from './field-reader.ts';
import { checkGateways } from './host-pattern.ts';
import { isDnsLabel } from './names.ts';
import { PORT_NUMBER } from './parse-service.ts';
import { readNamedMatches, readTextMatch } from './read-text-match.ts';

/** Header names that Istio leaves out of `headers`: they have fields of their own (istio.io, `HTTPMatchRequest`). */
const OWN_FIELDS = new Set(['uri', 'scheme', 'method', 'authority']);

/**
 * One entry of `match`. `undefined` when it can never hold here: a rule must not take more calls than it says.
 */
export function parseHttpMatch(entry: FieldReader): HttpMatch | undefined {
  const name = entry.string('name');
  entry.string('statPrefix');
  const path = readTextMatch(entry, 'uri', 'allowed');
  const ignoreCase = entry.boolean('ignoreUriCase') === true;
  const method = readTextMatch(entry, 'method');
  const scheme = readTextMatch(entry, 'scheme');
  const authority = readTextMatch(entry, 'authority');
  const headers = readHeaders(entry, 'headers');
  const withoutHeaders = readHeaders(entry, 'withoutHeaders');
  const queryParameters = readNamedMatches(entry, 'queryParams');
  const port = entry.integer('port', PORT_NUMBER);
  const sourceLabels = entry.stringMap('sourceLabels') ?? {};
  const sourceNamespace = entry.string('sourceNamespace') ?? '';
  const gateways = entry.strings('gateways') ?? [];
  if (sourceNamespace !== '' && !isDnsLabel(sourceNamespace)) {
    entry.fail(
      'sourceNamespace',
      'invalid-value',
      `Field sourceNamespace must be a namespace, not "${sourceNamespace}".`,
    );
  }
  checkGateways(entry, gateways);
  entry.finish();
  if ([...headers, ...withoutHeaders].some((header) => header.name.startsWith('@request.auth.'))) {
    const message = 'This match is left out: claims of a token are known to an ingress gateway only.';
    entry.report.report('rule-not-served', entry.path, message);
    return undefined;
  }
  const conditions: RouteMatch = {
    ...(name !== undefined && name !== '' && { name }),
    // No condition: every path begins with "/" (RFC 9113 §8.3.1), and a prefix is a plain one.
    ...(path !== undefined && !takesEveryPath(path) && { path }),
    ...(ignoreCase && path?.kind !== 'regex' && { ignoreCase: true as const }),
    ...(method !== undefined && { method }),
    ...(scheme !== undefined && { scheme }),
    ...(authority !== undefined && { authority }),
    headers,
    withoutHeaders,
    queryParameters,
  };
  return {
    conditions,
    ...(path !== undefined && takesEveryPath(path) && { everyPath: path }),
    ...(port !== undefined && { port }),
    sourceLabels,
    sourceNamespace,
    gateways,
    place: entry.place(),
  };
}

function takesEveryPath(path: TextMatch): boolean {
  if (path.kind === 'regex') return path.pattern === '.*' || path.pattern === '/.*';
  return path.kind === 'present' || (path.kind === 'prefix' && (path.text === '/' || path.text === ''));
}

function readHeaders(entry: FieldReader, field: 'headers' | 'withoutHeaders'): readonly NamedMatch[] {
  return readNamedMatches(entry, field).flatMap(({ name, match }) => {
    if (OWN_FIELDS.has(name)) {
      const message = `Header ${name} has no effect in ${field}: Istio ignores it there; use field ${name} of the match.`;
      entry.report.report('field-without-effect', entry.at(field, name), message);
      return [];
    }
    return [{ name: name.toLowerCase(), match }];
  });
}

/** Whether a request of any kind, from anyone, to any port fulfils it. */
export function takesEverything({ conditions, port, sourceLabels, sourceNamespace, gateways }: HttpMatch): boolean {
  return (
    hasNoCondition(conditions) &&
    port === undefined &&
    sourceNamespace === '' &&
    gateways.length === 0 &&
    Object.keys(sourceLabels).length === 0
  );
}

/** Whether every request fulfils it. */
export function hasNoCondition(match: RouteMatch): boolean {
  const { path, method, scheme, authority, headers, withoutHeaders, queryParameters } = match;
  return (
    path === undefined &&
    method === undefined &&
    scheme === undefined &&
    authority === undefined &&
    headers.length + withoutHeaders.length + queryParameters.length === 0
  );
}
