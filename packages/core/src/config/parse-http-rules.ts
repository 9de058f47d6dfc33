import type { HttpRule } from './config-object.ts';
import type { FieldReader } from './field-reader.ts';
import { readDnsLabel } from './names.ts';
import { parseHttpMatch, takesEverything } from './parse-http-match.ts';
import { readDirectResponse, readRedirect, readRewrite } from './read-answer.ts';
import { readDestinations, readMirrors } from './read-destination.ts';
import { readDurationMs } from './read-duration.ts';
import { readFault } from './read-fault.ts';
import { readHeaders } from './read-headers.ts';
import { readRetries } from './read-retries.ts';

const ACTIONS = ['route', 'redirect', 'directResponse', 'delegate'] as const;

/** Whose rules: an object with hosts of its own, or one that others delegate to. */
type Owner = 'root' | 'delegate';

/** The rules in order. One that can never be reached, or whose match can never hold here, is left out and reported. */
export function parseHttpRules(rules: readonly FieldReader[], owner: Owner): readonly HttpRule[] {
  const served: HttpRule[] = [];
  let takesAll: FieldReader | undefined;
  for (const rule of rules) {
    const parsed = parseHttpRule(rule, owner);
    if (takesAll !== undefined) {
      const message = `This rule is never reached: http[${takesAll.path.at(-1) ?? 0}] takes every call; put it first.`;
      rule.report.report('rule-unreachable', rule.path, message);
      continue;
    }
    if (parsed === undefined) continue;
    // What a rule delegates may take less than the rule itself, and so may a match that could not be read.
    const { matches, delegate } = parsed;
    const isSure = delegate === undefined && !rule.report.hasErrors;
    if (isSure && (matches.length === 0 || matches.some(takesEverything))) takesAll = rule;
    served.push(parsed);
  }
  return served;
}

function parseHttpRule(rule: FieldReader, owner: Owner): HttpRule | undefined {
  const name = rule.string('name');
  const entries = rule.mappings('match') ?? [];
  const matches = entries.flatMap((entry) => parseHttpMatch(entry) ?? []);
  const answer = readRedirect(rule) ?? readDirectResponse(rule);
  const delegate = readDelegate(rule, owner);
  const rewrite = readRewrite(rule);
  const timeoutMs = readDurationMs(rule, 'timeout');
  const retry = readRetries(rule);
  const fault = readFault(rule);
  const mirrors = readMirrors(rule);
  const headers = readHeaders(rule);
  rule.withoutEffect('it is for browsers, gRPC clients ask for no CORS', 'corsPolicy');
  checkAction(rule);
  const destinations = readDestinations(rule);
  rule.finish();
  const authority = rewrite?.authority ?? headers.authority;
  if (rewrite?.authority !== undefined && headers.authority !== undefined) {
    rule.fail('headers', 'invalid-value', 'The authority is set in rewrite already; set it in one place only.');
  }
  // A match that can never hold here takes no call; without the rest the rule takes none at all.
  if (entries.length > 0 && matches.length === 0) return undefined;
  if (destinations.length === 0 && answer === undefined && delegate === undefined) return undefined;
  const path = rewrite?.path;
  return {
    ...(name !== undefined && name !== '' && { name }),
    matches,
    destinations,
    ...(answer !== undefined && { answer }),
    ...(delegate !== undefined && { delegate }),
    ...((path !== undefined || authority !== undefined) && {
      rewrite: { ...(path !== undefined && { path }), ...(authority !== undefined && { authority }) },
    }),
    ...(headers.rules !== undefined && { headers: headers.rules }),
    ...(timeoutMs !== undefined && { timeoutMs }),
    ...(retry !== undefined && { retry }),
    ...(fault !== undefined && { fault }),
    ...(mirrors !== undefined && { mirrors }),
    place: rule.place(),
  };
}

/** Istio's validation: a rule does one thing, and only a route can be rewritten or disturbed. */
function checkAction(rule: FieldReader): void {
  const actions = ACTIONS.filter((field) =>
    field === 'route' ? (rule.list(field) ?? []).length > 0 : rule.has(field),
  );
  const [action, second] = actions;
  if (action === undefined) {
    rule.report.report('missing-field', rule.path, 'A rule needs a route; add at least one destination.');
  } else if (second !== undefined) {
    rule.fail(second, 'invalid-value', `A rule has either ${action} or ${second}, not both; remove one.`);
  }
  if (action === 'redirect' || action === 'directResponse') {
    for (const field of ['rewrite', 'fault']) {
      if (rule.has(field)) rule.fail(field, 'invalid-value', `A rule with ${action} has no ${field}; remove one.`);
    }
  }
}

function readDelegate(rule: FieldReader, owner: Owner): HttpRule['delegate'] {
  const block = rule.mapping('delegate');
  if (block === undefined) return undefined;
  block.require('name');
  const name = readDnsLabel(block, 'name');
  const namespace = block.string('namespace') ?? '';
  block.finish();
  if (owner === 'delegate') {
    rule.fail('delegate', 'invalid-value', 'A VirtualService without hosts cannot delegate further; give it hosts.');
  }
  return name === undefined
    ? undefined
    : { name, ...(namespace !== '' && { namespace }), place: rule.place('delegate') };
}
