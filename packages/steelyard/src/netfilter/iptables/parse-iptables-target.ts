import type { WordReader } from './iptables-line.ts';
import { canonicalAddress } from '../compile/network.ts';
import type { Effect, Verdict } from '../compile/rule-set.ts';

/** Extensions that are targets and no chains (iptables-extensions(8)); what stands here lets the packet go on. */
const OTHER_TARGETS: ReadonlySet<string> = new Set(
  'AUDIT CHECKSUM CLASSIFY CONNMARK CONNSECMARK CT DSCP ECN HL HMARK IDLETIMER LED LOG NFLOG NFQUEUE NOTRACK RATEEST SECMARK SET SYNPROXY TCPMSS TCPOPTSTRIP TEE TOS TPROXY TRACE TTL ULOG NETMAP'.split(
    ' ',
  ),
);

/** What a target does on the way, for those that let the packet go on; `undefined` for all others. */
export function parseEffect(name: string, words: WordReader): Effect | undefined {
  const added = name === 'SET' && words.peek() === '--add-set';
  if (!added) return undefined;
  const [, set = '', flags] = rest(words);
  return flags === 'src' ? { kind: 'remember', set } : undefined;
}

/** The target of a rule, after `-j`. Everything that is no extension is a chain. */
export function parseTarget(name: string, words: WordReader): Verdict {
  switch (name) {
    case 'ACCEPT':
    case 'RETURN':
    case 'DROP':
      return { kind: name === 'ACCEPT' ? 'accept' : name === 'DROP' ? 'drop' : 'return' };
    case 'REJECT':
      rest(words);
      return { kind: 'reject' };
    case 'DNAT':
      return parseDnat(words);
    case 'REDIRECT': {
      const port = optionOf(words, '--to-ports').get('--to-ports');
      return { kind: 'dnat', address: '127.0.0.1', ...(port !== undefined && { port: Number.parseInt(port, 10) }) };
    }
    case 'MASQUERADE':
      return { kind: 'masquerade', randomFully: rest(words).includes('--random-fully') };
    case 'SNAT':
      rest(words);
      return { kind: 'masquerade', randomFully: false };
    case 'MARK':
      return parseMark(words);
    default:
      if (OTHER_TARGETS.has(name)) return { kind: 'unknown', text: ['-j', name, ...rest(words)].join(' ') };
      return { kind: 'jump', chain: name };
  }
}

function rest(words: WordReader): string[] {
  const found: string[] = [];
  while (!words.done) found.push(words.take());
  return found;
}

function optionOf(words: WordReader, ...names: readonly string[]): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  while (!words.done) {
    const word = words.take();
    if (names.includes(word)) found.set(word, words.take());
  }
  return found;
}

/** `10.0.0.1:80`, `[fd00::1]:80`, without a port, or with ranges, of which the first is taken. */
function parseDnat(words: WordReader): Verdict {
  const text = optionOf(words, '--to-destination').get('--to-destination') ?? '';
  const parts =
    /^(?:\[(?<v6>[^\]]+)\]|(?<v4>[^:]+)|(?<bare>[0-9a-fA-F:]+?))(?:-[^:]*)?(?::(?<port>\d+)(?:-\d+)?)?$/.exec(text);
  const address = parts?.groups?.['v6'] ?? parts?.groups?.['v4'] ?? parts?.groups?.['bare'];
  if (address === undefined) return { kind: 'unknown', text: `-j DNAT --to-destination ${text}` };
  const port = parts?.groups?.['port'];
  return { kind: 'dnat', address: canonicalAddress(address), ...(port !== undefined && { port: Number(port) }) };
}

/** All spellings come down to mark = (mark & ~mask) ^ value. */
function parseMark(words: WordReader): Verdict {
  const options = optionOf(words, '--set-xmark', '--set-mark', '--or-mark', '--xor-mark', '--and-mark');
  const [option = '', text = ''] = [...options][0] ?? [];
  const [value = '', mask = '0xffffffff'] = text.split('/');
  switch (option) {
    case '--set-xmark':
      return { kind: 'setMark', value: Number(value), mask: Number(mask) };
    case '--set-mark':
      return { kind: 'setMark', value: Number(value), mask: (Number(mask) | Number(value)) >>> 0 };
    case '--or-mark':
      return { kind: 'setMark', value: Number(value), mask: Number(value) };
    case '--xor-mark':
      return { kind: 'setMark', value: Number(value), mask: 0 };
    case '--and-mark':
      return { kind: 'setMark', value: 0, mask: ~Number(value) >>> 0 };
    default:
      return { kind: 'unknown', text: '-j MARK' };
  }
}
