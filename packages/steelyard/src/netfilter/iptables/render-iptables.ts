import { isIP } from 'node:net';
import type { IpFamily } from '@steelyard/core/model';
import { addressPortOf } from '../compile/chain-name.ts';
import type { Chain, Effect, Match, Rule, RuleSet, TableName, Verdict } from '../compile/rule-set.ts';
import { unknownKind } from '../unknown-kind.ts';

export interface RenderOptions {
  /**
   * Also print the jumps from the kernel's own chains. Leave them out (the default) where the text is applied again
   * and again with `iptables-restore --noflush`: that empties our chains first, but only ever adds to the kernel's.
   */
  readonly builtInChains?: boolean;
}

/** The rules in the form that `iptables-restore` (for IPv6 `ip6tables-restore`) reads and `iptables-save` prints. */
export function renderIptables(ruleSet: RuleSet, options: RenderOptions = {}): string {
  const lines = Object.keys(ruleSet.tables).flatMap((table) => tableLines(ruleSet, table, options));
  return `${lines.join('\n')}\n`;
}

function tableLines(ruleSet: RuleSet, table: TableName, options: RenderOptions): string[] {
  const chains = [...(ruleSet.tables[table]?.values() ?? [])].filter(
    (chain) => !chain.builtIn || options.builtInChains === true,
  );
  return [
    `*${table}`,
    ...chains.map((chain) => `:${chain.name} ${chain.builtIn ? (chain.policy ?? 'accept').toUpperCase() : '-'} [0:0]`),
    ...chains.flatMap((chain) => renderIptablesChain(chain, ruleSet.family)),
    'COMMIT',
  ];
}

/** `-A CHAIN …`, one line a rule. */
export function renderIptablesChain(chain: Chain, family: IpFamily): string[] {
  return chain.rules.map((rule) => `-A ${chain.name} ${renderRule(rule, family)}`);
}

function renderRule({ matches, effects = [], verdict }: Rule, family: IpFamily): string {
  return [...matches.map(renderMatch), ...effects.map(renderEffect), renderVerdict(verdict, family)]
    .filter((part) => part !== '')
    .join(' ');
}

/** iptables has targets for these, and one target a rule: such a rule has no verdict. */
function renderEffect(effect: Effect): string {
  if (effect.kind === 'remember') return `-j SET --add-set ${effect.set} src --exist`;
  throw new TypeError(`iptables sets no marks on the way`);
}

function renderMatch(match: Match): string {
  switch (match.kind) {
    case 'source':
      return `${not(match.negated)}-s ${cidr(match.network)}`;
    case 'destination':
      return `${not(match.negated)}-d ${cidr(match.network)}`;
    case 'inputInterface':
      return `${not(match.negated)}-i ${match.name.replace(/\*$/, '+')}`;
    case 'protocol':
      return `${not(match.negated ?? false)}-p ${match.protocol.toLowerCase()}`;
    case 'comment':
      return `-m comment --comment ${quote(match.text)}`;
    case 'transport': {
      const module = `-m ${match.protocol.toLowerCase()}`;
      return match.destinationPort === undefined ? module : `${module} --dport ${match.destinationPort}`;
    }
    case 'ports':
      return `-m multiport ${not(match.negated)}--dports ${match.ranges.map(renderRange).join(',')}`;
    case 'statistic':
      return `-m statistic --mode random --probability ${match.probability.toFixed(10)}`;
    case 'conntrackState':
      return `-m conntrack ${not(match.negated ?? false)}--ctstate ${match.states.join(',')}`;
    case 'mark':
      return `-m mark ${not(match.negated)}--mark ${hex(match.value)}/${hex(match.mask)}`;
    case 'localAddress':
      return `-m addrtype ${not(match.negated)}--${match.field === 'source' ? 'src' : 'dst'}-type LOCAL`;
    case 'recentCheck':
      return `-m recent --rcheck --seconds ${match.seconds} --reap --name ${match.list}`;
    case 'recentSet':
      return `-m recent --set --name ${match.list}`;
    case 'counter':
      return `-m nfacct --nfacct-name ${match.name}`;
    case 'unknown':
      return match.text;
    case 'inSet': {
      const [field] = match.fields;
      if (match.fields.length !== 1 || (field !== 'source' && field !== 'destination')) {
        throw new TypeError(`iptables looks for addresses only in ${match.set}`);
      }
      return `-m set ${not(match.negated)}--match-set ${match.set} ${field === 'source' ? 'src' : 'dst'}`;
    }
    case 'among':
    case 'translated':
      throw new TypeError(`iptables has no match of the kind ${match.kind}`);
    default:
      return unknownKind(match);
  }
}

function renderRange([first, last]: readonly [number, number]): string {
  return first === last ? `${first}` : `${first}:${last}`;
}

function renderVerdict(verdict: Verdict, family: IpFamily): string {
  switch (verdict.kind) {
    case 'jump':
      return `-j ${verdict.chain}`;
    case 'goto':
      return `-g ${verdict.chain}`;
    case 'return':
    case 'accept':
    case 'drop':
      return `-j ${verdict.kind.toUpperCase()}`;
    case 'reject':
      return `-j REJECT --reject-with ${family === 'IPv4' ? 'icmp' : 'icmp6'}-port-unreachable`;
    case 'dnat':
      return `-j DNAT --to-destination ${verdict.port === undefined ? verdict.address : addressPortOf(verdict.address, verdict.port)}`;
    case 'setMark':
      return `-j MARK --set-xmark ${hex(verdict.value)}/${hex(verdict.mask)}`;
    case 'masquerade':
      return verdict.randomFully ? '-j MASQUERADE --random-fully' : '-j MASQUERADE';
    case 'none':
      return '';
    case 'unknown':
      return verdict.text;
    case 'lookup':
    case 'share':
      throw new TypeError(`iptables has no target of the kind ${verdict.kind}`);
    default:
      return unknownKind(verdict);
  }
}

function not(negated: boolean): string {
  return negated ? '! ' : '';
}

function cidr(network: string): string {
  const family = isIP(network);
  if (family === 0) return network;
  return `${network}/${family === 4 ? 32 : 128}`;
}

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}

/** As `xtables_save_string` of `iptables-save` does it. */
function quote(text: string): string {
  if (/^[\w-]+$/.test(text)) return text;
  return `"${text.replaceAll(/["'\\]/g, String.raw`\$&`)}"`;
}
