import type { HttpRule, RouteDestination } from './config-object.ts';
import { type FieldReader, isMapping } from './field-reader.ts';
import { readHost } from './host-pattern.ts';
import { readDnsLabel } from './names.ts';
import { PORT_NUMBER } from './parse-service.ts';

const WEIGHT = { min: 0, max: 2_147_483_647 } as const;

/**
 * The rules that can be served, in order. A rule that needs more than weighted destinations is left out and reported:
 * taking it for a catch-all would send calls where it does not say.
 */
export function parseHttpRules(rules: readonly FieldReader[]): readonly HttpRule[] {
  const served: HttpRule[] = [];
  let takesAll: FieldReader | undefined;
  for (const rule of rules) {
    const parsed = parseHttpRule(rule);
    if (takesAll !== undefined) {
      const message = `This rule is never reached: http[${takesAll.path.at(-1) ?? 0}] takes every call; put it first.`;
      rule.report.report('rule-unreachable', rule.path, message);
      continue;
    }
    // A catch-all that cannot be served still hides what stands behind it, as in Istio.
    if (!isConditional(rule)) takesAll = rule;
    if (parsed !== undefined) served.push(parsed);
  }
  return served;
}

function parseHttpRule(rule: FieldReader): HttpRule | undefined {
  const name = rule.string('name');
  let served = true;
  const leaveOut = (field: string, why: string): void => {
    served = false;
    rule.fail(field, 'rule-not-served', `This rule is left out of the routes: ${why}.`);
  };
  rule.mappings('match');
  if (isConditional(rule))
    leaveOut('match', 'matching is not honoured yet, and its calls go on to the rules behind it');
  for (const field of ['redirect', 'directResponse', 'delegate']) {
    if (rule.mapping(field) !== undefined) leaveOut(field, `${field} is not honoured yet, and its calls get no route`);
  }
  const rewrite = rule.mapping('rewrite');
  if (rewrite?.has('uri') === true || rewrite?.has('uriRegexRewrite') === true) {
    leaveOut('rewrite', 'calls would arrive under another method than it says, as rewrite is not honoured yet');
  } else rule.notHonoured('calls keep their authority', 'rewrite');
  rule.notHonoured('calls end by their own deadline only', 'timeout');
  rule.notHonoured('calls that fail are not tried again', 'retries');
  rule.notHonoured('no call is delayed or aborted', 'fault');
  rule.notHonoured('no call is copied', 'mirror', 'mirrors');
  rule.notHonoured('no call is copied', 'mirrorPercent', 'mirror_percent', 'mirrorPercentage');
  rule.notHonoured('metadata passes unchanged', 'headers');
  rule.withoutEffect('it is for browsers, gRPC clients ask for no CORS', 'corsPolicy');
  const destinations = readDestinations(rule);
  rule.finish();
  if (!served || destinations.length === 0) return undefined;
  return { ...(name !== undefined && { name }), destinations, place: rule.place() };
}

function readDestinations(rule: FieldReader): readonly RouteDestination[] {
  const entries = rule.mappings('route') ?? [];
  const others = ['redirect', 'directResponse', 'delegate'].filter((field) => rule.has(field));
  if (entries.length === 0 && others.length === 0 && (rule.list('route') ?? []).length === 0) {
    rule.report.report('missing-field', rule.path, 'A rule needs a route; add at least one destination.');
  }
  const [other] = others;
  if (entries.length > 0 && other !== undefined) {
    rule.fail(other, 'invalid-value', `A rule has either route or ${other}, not both; remove one.`);
  }
  const destinations = entries.flatMap((entry) => readDestination(entry) ?? []);
  const total = destinations.reduce((sum, destination) => sum + destination.weight, 0);
  if (destinations.length > 1 && destinations.length === entries.length && total === 0) {
    rule.fail('route', 'invalid-value', 'The weights of a route add up to 0; give one destination a weight.');
  }
  return destinations;
}

function readDestination(entry: FieldReader): RouteDestination | undefined {
  const weight = entry.integer('weight', WEIGHT) ?? 0;
  entry.notHonoured('metadata passes unchanged', 'headers');
  entry.require('destination');
  const destination = entry.mapping('destination');
  entry.finish();
  if (destination === undefined) return undefined;
  destination.require('host');
  const host = readHost(destination, 'host');
  if (host?.host.startsWith('*') === true) {
    destination.fail('host', 'invalid-value', `A destination is one host, "${host.host}" is many; name one.`);
  }
  const subset =
    destination.has('subset') && destination.value('subset') !== '' ? readDnsLabel(destination, 'subset') : undefined;
  destination.ignore('subset');
  const portReader = destination.mapping('port');
  portReader?.require('number');
  const port = portReader?.integer('number', PORT_NUMBER);
  portReader?.finish();
  destination.finish();
  if (host === undefined) return undefined;
  return {
    host: host.host,
    ...(subset !== undefined && { subset }),
    ...(port !== undefined && { port }),
    weight,
    place: destination.place(),
  };
}

/** Entries of `match` are alternatives; one that asks for nothing lets every call in. */
function isConditional(rule: FieldReader): boolean {
  const match = rule.value('match');
  if (match === undefined) return false;
  if (!Array.isArray(match)) return true;
  return match.length > 0 && !match.some((entry: unknown) => asksForNothing(entry));
}

function asksForNothing(match: unknown): boolean {
  if (!isMapping(match)) return false;
  return Object.entries(match).every(([field, value]: [string, unknown]) => {
    if (field === 'name' || field === 'statPrefix' || field === 'ignoreUriCase' || value === null) return true;
    if (field !== 'uri' || !isMapping(value)) return false;
    // Every path begins with "/" (RFC 9113 §8.3.1), and a prefix is a plain string prefix.
    const conditions: [string, unknown][] = Object.entries(value);
    return conditions.length === 1 && conditions[0]?.[0] === 'prefix' && conditions[0][1] === '/';
  });
}
