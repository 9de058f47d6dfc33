import type { IpFamily } from '@steelyard/core/model';
import { addressPortOf } from '../compile/chain-name.ts';
import type {
  Chain,
  Effect,
  HookedChain,
  Match,
  NamedSet,
  PacketField,
  Rule,
  RuleSet,
  SetElement,
  Verdict,
} from '../compile/rule-set.ts';
import { unknownKind } from '../unknown-kind.ts';

/** nftables says `ip` and `ip6` for the table's family as well as for its headers. */
export function nftFamily(family: IpFamily): 'ip' | 'ip6' {
  return family === 'IPv4' ? 'ip' : 'ip6';
}

/**
 * The rules as a script for `nft -f`: one transaction that replaces our table, whatever it was before. Chains come
 * before the maps that lead to them, and those before the rules that use them.
 */
export function renderNftables(ruleSet: RuleSet): string {
  const lines = Object.keys(ruleSet.tables).flatMap((table) => {
    const name = `${nftFamily(ruleSet.family)} ${table}`;
    return [`add table ${name}`, `delete table ${name}`, ...tableLines(ruleSet, table)];
  });
  return `${lines.join('\n')}\n`;
}

function tableLines(ruleSet: RuleSet, table: string): string[] {
  const name = `${nftFamily(ruleSet.family)} ${table}`;
  const chains = [...(ruleSet.tables[table]?.values() ?? [])];
  const sets = [...(ruleSet.sets ?? [])].flatMap(([key, set]) => (key === `${table} ${set.name}` ? [set] : []));
  return [
    `add table ${name} { comment "rules for kube-proxy" ; }`,
    ...chains.map((chain) => renderNftChain(ruleSet, table, chain)),
    ...sets.map((set) => renderNftSet(name, set)),
    ...sets.flatMap((set) => renderNftElements(name, set, set.elements)),
    ...chains.flatMap((chain) => renderNftRules(ruleSet, table, chain)),
  ];
}

export function renderNftChain(ruleSet: RuleSet, table: string, chain: Chain): string {
  const name = `add chain ${nftFamily(ruleSet.family)} ${table} ${chain.name}`;
  for (const [hook, hooked] of Object.entries(ruleSet.hooks ?? {})) {
    const found = hooked.find((each) => each.table === table && each.chain === chain.name);
    if (found !== undefined) return `${name} { type ${found.type} hook ${hook} priority ${priorityOf(found)} ; }`;
  }
  return chain.name === 'reject-chain'
    ? `${name} { comment "helper for @no-endpoint-services / @no-endpoint-nodeports" ; }`
    : name;
}

function priorityOf({ priority }: HookedChain): string {
  return String(priority);
}

export function renderNftSet(table: string, set: NamedSet): string {
  const verdict = set.kind === 'map' ? ' : verdict' : '';
  const parts = [`type ${set.keyTypes.join(' . ')}${verdict} ;`];
  if (set.timeoutS !== undefined) parts.push(`flags dynamic,timeout ; timeout ${set.timeoutS}s ;`);
  if (set.comment !== undefined) parts.push(`comment "${set.comment}" ;`);
  return `add ${set.kind} ${table} ${set.name} { ${parts.join(' ')} }`;
}

/** Elements per command: one command for all would make one netlink message too large for some kernels. */
const ELEMENTS_PER_LINE = 100;

export function renderNftElements(
  table: string,
  set: NamedSet,
  elements: ReadonlyMap<string, SetElement>,
  action: 'add' | 'delete' = 'add',
): string[] {
  const texts = [...elements].map(([key, { verdict, comment }]) => {
    if (action === 'delete') return key;
    const note = comment === undefined ? '' : ` comment "${comment}"`;
    return `${key}${note}${verdict === undefined ? '' : ` : ${renderVerdict(verdict, 'IPv4')}`}`;
  });
  const lines: string[] = [];
  for (let start = 0; start < texts.length; start += ELEMENTS_PER_LINE) {
    const some = texts.slice(start, start + ELEMENTS_PER_LINE).join(', ');
    lines.push(`${action} element ${table} ${set.name} { ${some} }`);
  }
  return lines;
}

export function renderNftRules({ family }: RuleSet, table: string, chain: Chain): string[] {
  const start = `add rule ${nftFamily(family)} ${table} ${chain.name}`;
  return chain.rules.map((rule) => `${start} ${renderRule(rule, family)}`);
}

function renderRule({ matches, effects = [], verdict }: Rule, family: IpFamily): string {
  const comments = matches.flatMap((match) => (match.kind === 'comment' ? [`comment "${match.text}"`] : []));
  return [
    ...matches.map((match) => renderMatch(match, family)),
    ...effects.map((effect) => renderEffect(effect, family)),
    renderVerdict(verdict, family),
    ...comments,
  ]
    .filter((part) => part !== '')
    .join(' ');
}

function renderMatch(match: Match, family: IpFamily): string {
  const header = nftFamily(family);
  switch (match.kind) {
    case 'comment':
    case 'counter':
      return '';
    case 'source':
    case 'destination':
      return `${fieldOf(match.kind, header)} ${not(match.negated)}${match.network}`;
    case 'among': {
      const list = match.networks.length === 1 ? match.networks.join('') : `{ ${match.networks.join(', ')} }`;
      return `${fieldOf(match.field, header)} ${not(match.negated)}${list}`;
    }
    case 'inSet':
      return `${fieldsOf(match.fields, header)} ${not(match.negated)}@${match.set}`;
    case 'protocol':
      return `meta l4proto ${not(match.negated ?? false)}${match.protocol.toLowerCase()}`;
    case 'transport': {
      const port = match.destinationPort === undefined ? '' : ` th dport ${match.destinationPort}`;
      return `meta l4proto ${match.protocol.toLowerCase()}${port}`;
    }
    case 'ports':
      return `th dport ${not(match.negated)}{ ${match.ranges.map(([first, last]) => `${first}-${last}`).join(', ')} }`;
    case 'conntrackState':
      return `ct state ${not(match.negated ?? false)}${match.states.join(',').toLowerCase()}`;
    case 'mark':
      return `meta mark and ${hex(match.mask)} ${match.negated ? '!=' : '=='} ${match.value}`;
    case 'inputInterface':
      return `iifname ${not(match.negated)}"${match.name}"`;
    case 'localAddress':
      return `fib ${match.field === 'source' ? 'saddr' : 'daddr'} type ${not(match.negated)}local`;
    case 'translated':
      return 'ct status dnat';
    case 'unknown':
      return match.text;
    case 'statistic':
    case 'recentCheck':
    case 'recentSet':
      throw new TypeError(`nftables has no match of the kind ${match.kind}`);
    default:
      return unknownKind(match);
  }
}

function fieldsOf(fields: readonly PacketField[], header: string): string {
  return fields.map((field) => fieldOf(field, header)).join(' . ');
}

function fieldOf(field: PacketField, header: string): string {
  switch (field) {
    case 'source':
      return `${header} saddr`;
    case 'destination':
      return `${header} daddr`;
    case 'protocol':
      return 'meta l4proto';
    case 'port':
      return 'th dport';
    default:
      return unknownKind(field);
  }
}

function renderEffect(effect: Effect, family: IpFamily): string {
  if (effect.kind === 'remember') return `update @${effect.set} { ${nftFamily(family)} saddr }`;
  return renderMark(effect);
}

function renderVerdict(verdict: Verdict, family: IpFamily): string {
  switch (verdict.kind) {
    case 'none':
      return '';
    case 'jump':
    case 'goto':
      return `${verdict.kind} ${verdict.chain}`;
    case 'return':
    case 'accept':
    case 'drop':
    case 'reject':
      return verdict.kind;
    case 'dnat':
      return `dnat to ${verdict.port === undefined ? verdict.address : addressPortOf(verdict.address, verdict.port)}`;
    case 'setMark':
      return renderMark(verdict);
    case 'masquerade':
      return verdict.randomFully ? 'masquerade fully-random' : 'masquerade';
    case 'lookup':
      return `${fieldsOf(verdict.fields, nftFamily(family))} vmap @${verdict.map}`;
    case 'share':
      return renderShare(verdict.choices, family);
    case 'unknown':
      return verdict.text;
    default:
      return unknownKind(verdict);
  }
}

/** Endpoints without chains are drawn as addresses, the others as verdicts. */
function renderShare(choices: readonly (Verdict | undefined)[], family: IpFamily): string {
  const present = choices.flatMap((choice, index) => (choice === undefined ? [] : [{ choice, index }]));
  const draw = `numgen random mod ${choices.length}`;
  if (present.every(({ choice }) => choice.kind === 'dnat')) {
    const targets = present.map(({ choice, index }) =>
      choice.kind === 'dnat' ? `${index} : ${choice.address} . ${choice.port ?? 0}` : '',
    );
    return `dnat ${nftFamily(family)} addr . port to ${draw} map { ${targets.join(', ')} }`;
  }
  const verdicts = present.map(({ choice, index }) => `${index} : ${renderVerdict(choice, family)}`);
  return `${draw} vmap { ${verdicts.join(', ')} }`;
}

/** As `or` where the mark's bits are set, as `xor` where they are turned. */
function renderMark({ value, mask }: { readonly value: number; readonly mask: number }): string {
  if (mask === 0) return `meta mark set meta mark xor ${hex(value)}`;
  if (mask === value) return `meta mark set meta mark or ${hex(value)}`;
  return `meta mark set meta mark and ${hex(~mask >>> 0)} xor ${hex(value)}`;
}

function not(negated: boolean): string {
  return negated ? '!= ' : '';
}

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}
