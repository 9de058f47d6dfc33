import { fieldOf, listOf, numberOf, pathOf, soleField, textOf } from '../json-value.ts';
import { canonicalAddress } from '../compile/network.ts';
import { parseFields, parseNftMatch } from './parse-nft-match.ts';
import type { Effect, Match, Rule, Verdict } from '../compile/rule-set.ts';

/** Statements that let the packet go on as it is. */
const WITHOUT_CONSEQUENCE: ReadonlySet<string> = new Set(['counter', 'log', 'quota', 'comment', 'last']);

/**
 * One rule of nft's JSON as rules of ours: usually one; where a rule goes on after a verdict that need not end it (as a
 * lookup), several with the same matches.
 */
export function parseNftRule(expressions: readonly unknown[], comment: string | undefined): Rule {
  const matches: Match[] = [];
  const effects: Effect[] = [];
  let verdict: Verdict = { kind: 'none' };
  for (const expression of expressions) {
    const [name, value] = soleField(expression) ?? ['', undefined];
    if (name === 'match') matches.push(...[parseNftMatch(value)].flat());
    else if (name === 'mangle') effects.push(...parseMangle(value));
    else if (name === 'set') effects.push(...parseSetStatement(value));
    else if (name === 'xt' && fieldOf(value, 'type') !== 'target') matches.push(...parseXtMatch(value));
    else if (!WITHOUT_CONSEQUENCE.has(name)) {
      const parsed = parseVerdict(expression);
      if (parsed !== undefined) verdict = parsed;
      // A limit and the like may end the rule before its verdict.
      else matches.push({ kind: 'unknown', text: JSON.stringify(expression) });
    }
  }
  if (comment !== undefined) matches.push({ kind: 'comment', text: comment });
  const [only] = effects;
  if (effects.length === 1 && only?.kind === 'setMark' && verdict.kind === 'none') return { matches, verdict: only };
  return { matches, ...(effects.length > 0 && { effects }), verdict };
}

/** A verdict as a statement or as the value of a map. */
export function parseVerdict(expression: unknown): Verdict | undefined {
  const [name, value] = soleField(expression) ?? ['', undefined];
  switch (name) {
    case 'accept':
    case 'drop':
    case 'return':
    case 'reject':
      return { kind: name };
    case 'continue':
      return { kind: 'none' };
    case 'jump':
    case 'goto': {
      const chain = textOf(fieldOf(value, 'target'));
      return chain === undefined ? undefined : { kind: name, chain };
    }
    case 'masquerade':
      return { kind: 'masquerade', randomFully: JSON.stringify(value ?? '').includes('fully-random') };
    case 'snat':
      return { kind: 'masquerade', randomFully: false };
    case 'redirect': {
      const port = numberOf(fieldOf(value, 'port'));
      return { kind: 'dnat', address: '127.0.0.1', ...(port !== undefined && { port }) };
    }
    case 'dnat':
      return parseDnat(value);
    case 'vmap':
      return parseVmap(value);
    case 'xt':
      return { kind: 'unknown', text: `xt target ${textOf(fieldOf(value, 'name')) ?? ''}` };
    default:
      return undefined;
  }
}

/** To one endpoint, or drawn: `numgen random mod N map { i : address . port }`, kube-proxy 1.36's shape. */
function parseDnat(value: unknown): Verdict {
  const drawn = fieldOf(fieldOf(value, 'addr'), 'map');
  const choices = drawn === undefined ? undefined : parseDraw(drawn, parseTarget);
  if (choices !== undefined) return { kind: 'share', choices };
  const target = parseTarget(fieldOf(value, 'addr'));
  if (target?.kind !== 'dnat') return { kind: 'unknown', text: JSON.stringify({ dnat: value }) };
  const port = numberOf(fieldOf(value, 'port'));
  return port === undefined ? target : { ...target, port };
}

function parseTarget(value: unknown): Verdict | undefined {
  const [address, port] = listOf(fieldOf(value, 'concat')) ?? [value];
  const text = textOf(address);
  const number = numberOf(port);
  if (text === undefined) return undefined;
  return { kind: 'dnat', address: canonicalAddress(text), ...(number !== undefined && { port: number }) };
}

/** By a named map, or drawn: `numgen random mod N vmap { i : goto … }`, the shape of kube-proxy before 1.36. */
function parseVmap(value: unknown): Verdict {
  const choices = parseDraw(value, parseVerdict);
  if (choices !== undefined) return { kind: 'share', choices };
  const fields = parseFields(fieldOf(value, 'key'));
  const map = textOf(fieldOf(value, 'data'));
  if (fields !== undefined && map?.startsWith('@') === true) return { kind: 'lookup', fields, map: map.slice(1) };
  return { kind: 'unknown', text: JSON.stringify({ vmap: value }) };
}

/** Taking turns (`inc`) gives each as many connections as drawing does, over many of them. */
function parseDraw(
  value: unknown,
  parse: (target: unknown) => Verdict | undefined,
): readonly (Verdict | undefined)[] | undefined {
  const count = numberOf(pathOf(value, 'key', 'numgen', 'mod'));
  const offset = numberOf(pathOf(value, 'key', 'numgen', 'offset')) ?? 0;
  const pairs = listOf(pathOf(value, 'data', 'set'));
  if (count === undefined || pairs === undefined || count < 1 || count > MOST_CHOICES) return undefined;
  const choices: (Verdict | undefined)[] = Array.from({ length: count }, () => undefined);
  for (const pair of pairs) {
    const [index, target] = listOf(pair) ?? [];
    for (const at of indexesOf(index))
      if (at - offset >= 0 && at - offset < count) choices[at - offset] = parse(target);
  }
  return choices;
}

const MOST_CHOICES = 1_000_000;

/** People write ranges for weights: `0-2 : …, 3 : …`. */
function indexesOf(value: unknown): readonly number[] {
  const single = numberOf(value);
  if (single !== undefined) return [single];
  const [first, last] = (listOf(fieldOf(value, 'range')) ?? []).map(numberOf);
  if (first === undefined || last === undefined || last - first > MOST_CHOICES) return [];
  return Array.from({ length: last - first + 1 }, (_, at) => first + at);
}

/** `meta mark set …`; another field's change leaves alone what is traced. */
function parseMangle(value: unknown): Effect[] {
  if (pathOf(value, 'key', 'meta', 'key') !== 'mark') return [];
  const to = fieldOf(value, 'value');
  const plain = numberOf(to);
  if (plain !== undefined) return [{ kind: 'setMark', value: plain, mask: 0xffff_ffff }];
  const [operator, operands] = soleField(to) ?? ['', undefined];
  const [inner, number] = listOf(operands) ?? [];
  const bits = numberOf(number);
  if (bits === undefined) return [];
  const isMark = pathOf(inner, 'meta', 'key') === 'mark';
  if (isMark && operator === '|') return [{ kind: 'setMark', value: bits, mask: bits }];
  if (isMark && operator === '^') return [{ kind: 'setMark', value: bits, mask: 0 }];
  if (isMark && operator === '&') return [{ kind: 'setMark', value: 0, mask: ~bits >>> 0 }];
  const [masked, kept] = listOf(fieldOf(inner, '&')) ?? [];
  const keptBits = numberOf(kept);
  if (pathOf(masked, 'meta', 'key') !== 'mark' || keptBits === undefined) return [];
  const mask = ~keptBits >>> 0;
  if (operator === '^') return [{ kind: 'setMark', value: bits, mask }];
  if (operator === '|') return [{ kind: 'setMark', value: bits, mask: (mask | bits) >>> 0 }];
  return [];
}

function parseSetStatement(value: unknown): Effect[] {
  const set = textOf(fieldOf(value, 'set'));
  const fields = parseFields(pathOf(value, 'elem', 'elem', 'val') ?? fieldOf(value, 'elem'));
  const isSource = fields?.length === 1 && fields[0] === 'source';
  return set?.startsWith('@') === true && isSource ? [{ kind: 'remember', set: set.slice(1) }] : [];
}

/** iptables-nft: nft tells the names of extensions, not what they say. */
function parseXtMatch(value: unknown): Match[] {
  const name = textOf(fieldOf(value, 'name')) ?? '';
  return name === 'comment' || name === 'nfacct' ? [] : [{ kind: 'unknown', text: `xt match ${name}` }];
}
