import type { Protocol } from '@steelyard/core/model';
import type { WordReader } from './iptables-line.ts';
import { canonicalAddress } from '../compile/network.ts';
import { isAffinitySet } from './ipset-change.ts';
import type { ConntrackState, Match } from '../compile/rule-set.ts';

/** The parts of a rule as they are found: options of one match may come apart, as `--rcheck … --seconds … --name …`. */
export class RuleParts {
  readonly matches: Match[] = [];
  /** Words of conditions that are not understood. */
  readonly strange: string[] = [];
  recent: { set: boolean; seconds: number; list: string } | undefined;
}

type OptionParser = (negated: boolean, words: WordReader, parts: RuleParts) => void;

/** In the order in which iptables-save prints them. */
const STATES: readonly ConntrackState[] = ['INVALID', 'NEW', 'RELATED', 'ESTABLISHED', 'UNTRACKED', 'SNAT', 'DNAT'];
const PROTOCOLS: ReadonlyMap<string, Protocol> = new Map([
  ['tcp', 'TCP'],
  ['udp', 'UDP'],
  ['sctp', 'SCTP'],
  ['6', 'TCP'],
  ['17', 'UDP'],
  ['132', 'SCTP'],
]);

export function parseProtocol(text: string): Protocol | undefined {
  return PROTOCOLS.get(text.toLowerCase());
}

/** Of the options that come with a match; each takes its own words. */
const OPTIONS: ReadonlyMap<string, OptionParser> = new Map<string, OptionParser>([
  ['-s', address('source')],
  ['--source', address('source')],
  ['--src', address('source')],
  ['-d', address('destination')],
  ['--destination', address('destination')],
  ['--dst', address('destination')],
  ['-i', inputInterface],
  ['--in-interface', inputInterface],
  ['-p', protocol],
  ['--protocol', protocol],
  ['-m', openModule],
  ['--match', openModule],
  ['--comment', (_, words, parts): void => void parts.matches.push({ kind: 'comment', text: words.take() })],
  ['--dport', ports],
  ['--destination-port', ports],
  ['--dports', ports],
  ['--ctstate', states],
  ['--state', states],
  ['--mark', mark],
  ['--src-type', addressType('source')],
  ['--dst-type', addressType('destination')],
  ['--mode', statistic],
  ['--rcheck', (_, __, parts): void => void (recentOf(parts).set = false)],
  ['--update', (_, __, parts): void => void (recentOf(parts).set = false)],
  ['--set', (_, __, parts): void => void (recentOf(parts).set = true)],
  ['--seconds', (_, words, parts): void => void (recentOf(parts).seconds = Number(words.take()))],
  ['--name', (_, words, parts): void => void (recentOf(parts).list = words.take())],
  ['--mask', (_, words): void => void words.take()],
  ['--reap', (): void => undefined],
  ['--rsource', (): void => undefined],
  ['--match-set', inSet],
  ['--nfacct-name', (_, words, parts): void => void parts.matches.push({ kind: 'counter', name: words.take() })],
]);

/** Of ipset's sets a dump does not say what is in them; those of session affinity have the clients of earlier connections. */
function inSet(negated: boolean, words: WordReader, parts: RuleParts): void {
  const [set, flags] = [words.take(), words.take()];
  if (flags === 'src' && isAffinitySet(set)) parts.matches.push({ kind: 'inSet', fields: ['source'], set, negated });
  else parts.strange.push(`${negated ? '! ' : ''}--match-set ${set} ${flags}`);
}

/** Takes one option with its words; `false` when it is not a known one. */
export function parseMatchOption(option: string, negated: boolean, words: WordReader, parts: RuleParts): boolean {
  const parse = OPTIONS.get(option);
  if (parse === undefined) return false;
  if (option !== '--seconds' && option !== '--name' && !RECENT_OPTIONS.has(option)) endRecent(parts);
  parse(negated, words, parts);
  return true;
}

const RECENT_OPTIONS: ReadonlySet<string> = new Set(['--rcheck', '--update', '--set', '--reap', '--mask', '--rsource']);

/** The options of `-m recent` are complete. */
export function endRecent(parts: RuleParts): void {
  const { recent } = parts;
  if (recent === undefined) return;
  parts.recent = undefined;
  parts.matches.push(
    recent.set
      ? { kind: 'recentSet', list: recent.list }
      : { kind: 'recentCheck', list: recent.list, seconds: recent.seconds },
  );
}

function recentOf(parts: RuleParts): { set: boolean; seconds: number; list: string } {
  parts.recent ??= { set: false, seconds: 0, list: 'DEFAULT' };
  return parts.recent;
}

function address(field: 'source' | 'destination'): OptionParser {
  return (negated, words, parts) => {
    const networks = words.take().split(',').map(canonicalNetwork);
    const [network = '', ...others] = networks;
    if (others.length === 0) parts.matches.push({ kind: field, network, negated });
    else parts.matches.push({ kind: 'among', field, networks, negated });
  };
}

/** A network of one address is written as the address. */
function canonicalNetwork(text: string): string {
  const slash = text.indexOf('/');
  if (slash < 0) return canonicalAddress(text);
  const base = canonicalAddress(text.slice(0, slash));
  const bits = text.slice(slash + 1);
  return (bits === '32' && !base.includes(':')) || bits === '128' || bits === '255.255.255.255'
    ? base
    : `${base}/${bits}`;
}

function inputInterface(negated: boolean, words: WordReader, parts: RuleParts): void {
  parts.matches.push({ kind: 'inputInterface', name: words.take().replace(/\+$/, '*'), negated });
}

function protocol(negated: boolean, words: WordReader, parts: RuleParts): void {
  const text = words.take();
  const known = parseProtocol(text);
  if (known === undefined) {
    if (text !== 'all' && text !== '0') parts.strange.push(`${negated ? '! ' : ''}-p ${text}`);
  } else parts.matches.push({ kind: 'protocol', protocol: known, ...(negated && { negated }) });
}

/** `-m tcp` is a match of its own; the other modules say nothing without their options. */
function openModule(_: boolean, words: WordReader, parts: RuleParts): void {
  const name = words.take();
  const known = parseProtocol(name);
  if (known !== undefined) parts.matches.push({ kind: 'transport', protocol: known });
}

function ports(negated: boolean, words: WordReader, parts: RuleParts): void {
  const ranges = words.take().split(',').map(parseRange);
  const [[first, last] = [0, 0], ...others] = ranges;
  const before = parts.matches.at(-1);
  if (before?.kind === 'transport' && !negated && others.length === 0 && first === last) {
    parts.matches.splice(-1, 1, { ...before, destinationPort: first });
  } else parts.matches.push({ kind: 'ports', ranges, negated });
}

function parseRange(text: string): readonly [number, number] {
  const [first = '', last = first] = text.split(':');
  return [Number(first === '' ? 0 : first), Number(last === '' ? 65_535 : last)];
}

function states(negated: boolean, words: WordReader, parts: RuleParts): void {
  const wanted = words.take().split(',');
  const known = STATES.filter((state) => wanted.includes(state));
  if (known.length === 0) parts.strange.push(`--ctstate ${wanted.join(',')}`);
  else parts.matches.push({ kind: 'conntrackState', states: known, ...(negated && { negated }) });
}

function mark(negated: boolean, words: WordReader, parts: RuleParts): void {
  const [value = '', mask = '0xffffffff'] = words.take().split('/');
  parts.matches.push({ kind: 'mark', value: Number(value), mask: Number(mask), negated });
}

function addressType(field: 'source' | 'destination'): OptionParser {
  return (negated, words, parts) => {
    const type = words.take();
    if (type === 'LOCAL') parts.matches.push({ kind: 'localAddress', field, negated });
    else parts.strange.push(`${negated ? '! ' : ''}-m addrtype --${field === 'source' ? 'src' : 'dst'}-type ${type}`);
  };
}

/** `nth` takes turns; over many connections that is a chance of 1 in `--every`. */
function statistic(_: boolean, words: WordReader, parts: RuleParts): void {
  const mode = words.take();
  let probability = 1;
  for (let option = words.peek(); option !== undefined; option = words.peek()) {
    if (option === '--probability') {
      words.take();
      probability = Number(words.take());
    } else if (option === '--every') {
      words.take();
      probability = 1 / Number(words.take());
    } else if (option === '--packet') {
      words.take();
      words.take();
    } else break;
  }
  if (probability > 0 && probability <= 1) parts.matches.push({ kind: 'statistic', probability });
  else parts.strange.push(`-m statistic --mode ${mode}`);
}
