/**
 * `npm run conformance [-- SUITE… OPTIONS]`: the proxy against independent implementations. Exit 0 all suites hold, 1 one does
 * not, 2 wrong usage.
 */
import { parseArgs } from 'node:util';
import { dns } from './conformance/dns.ts';
import { h2spec } from './conformance/h2spec.ts';
import { h2specd } from './conformance/h2specd.ts';
import { grpcJsNext } from './conformance/grpc-js-next.ts';
import { grpcInterop } from './conformance/interop.ts';
import { kube } from './conformance/kube.ts';
import { kubeProxy } from './conformance/kube-proxy.ts';
import { memory } from './conformance/memory.ts';
import { restart } from './conformance/restart.ts';
import type { Caller, Suite, SuiteOptions } from './conformance/suite.ts';
import { isSubjectName, SUBJECT_NAMES } from './peers/index.ts';

const SUITES: ReadonlyMap<string, Suite> = new Map([
  ['h2spec', h2spec],
  ['h2specd', h2specd],
  ['grpc-interop', grpcInterop],
  ['memory', memory],
  ['restart', restart],
  ['kube', kube],
  ['kube-proxy', kubeProxy],
  ['dns', dns],
  ['grpc-js-next', grpcJsNext],
]);

/** Without a name: what needs nothing but the proxy and the callers. The others want the real thing on the PATH. */
const BY_DEFAULT = ['h2spec', 'h2specd', 'grpc-interop', 'memory', 'restart'];

const USAGE = `npm run conformance [-- SUITE… OPTIONS]
  SUITE             ${[...SUITES.keys()].join(' | ')} (default: ${BY_DEFAULT.join(', ')})
  --subject NAME    ${SUBJECT_NAMES.join(' | ')} (default: steelyard); a peer in its place checks the suite itself
  --calls N         calls of grpc-interop over all callers (default: 100000)
  --seed N          what those calls are made from (default: 1)
  --caller NAME     grpc-js | python, repeatable (default: both)
  --no-strict       h2spec without its strict cases, which RFC 9113 leaves open
  --stream-mib N    size of the streams of memory (default: 1024)
  --connections N   idle connections of memory (default: 10000)
`;

function parseOptions(args: string[]): { suites: [string, Suite][]; options: SuiteOptions } | 'help' {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    allowNegative: true,
    options: {
      subject: { type: 'string', default: 'steelyard' },
      calls: { type: 'string', default: '100000' },
      seed: { type: 'string', default: '1' },
      caller: { type: 'string', multiple: true, default: ['grpc-js', 'python'] },
      strict: { type: 'boolean', default: true },
      'stream-mib': { type: 'string', default: '1024' },
      connections: { type: 'string', default: '10000' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return 'help';
  const { subject } = values;
  if (!isSubjectName(subject)) throw new Error(`--subject ${subject}: must be one of ${SUBJECT_NAMES.join(', ')}`);
  const names = positionals.length === 0 ? BY_DEFAULT : positionals;
  return {
    suites: names.map((name) => {
      const suite = SUITES.get(name);
      if (suite === undefined) throw new Error(`${name}: no such suite, there are ${[...SUITES.keys()].join(', ')}`);
      return [name, suite];
    }),
    options: {
      subject,
      calls: wholeNumber('--calls', values.calls, 1, 10_000_000),
      seed: wholeNumber('--seed', values.seed, 0, 2 ** 31),
      callers: values.caller.map(callerOption),
      strict: values.strict,
      streamBytes: wholeNumber('--stream-mib', values['stream-mib'], 1, 65_536) * 2 ** 20,
      connections: wholeNumber('--connections', values.connections, 1, 100_000),
      say: (text) => process.stderr.write(`  ${text}\n`),
    },
  };
}

function callerOption(text: string): Caller {
  if (text !== 'grpc-js' && text !== 'python') throw new Error(`--caller ${text}: must be grpc-js or python`);
  return text;
}

function wholeNumber(name: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < least || value > most) {
    throw new Error(`${name} ${text}: must be a whole number from ${least} to ${most}`);
  }
  return value;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

let parsed: ReturnType<typeof parseOptions>;
try {
  parsed = parseOptions(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`conformance: ${messageOf(error)}\n${USAGE}`);
  process.exit(2);
}
if (parsed === 'help') {
  process.stdout.write(USAGE);
  process.exit(0);
}
let failed = 0;
for (const [name, suite] of parsed.suites) {
  process.stderr.write(`${name}\n`);
  try {
    const { summary, failures } = await suite(parsed.options);
    process.stdout.write(`${summary}\n`);
    for (const failure of failures) process.stdout.write(`  not ok: ${failure}\n`);
    if (failures.length > 0) failed++;
  } catch (error) {
    process.stdout.write(`  not ok: ${name}: ${messageOf(error)}\n`);
    failed++;
  }
}
process.stdout.write(`conformance: ${parsed.suites.length - failed} of ${parsed.suites.length} suites hold\n`);
// Explicitly: a suite that failed half-way may have left a process, which the exit handler of startProcess ends.
process.exit(failed === 0 ? 0 : 1);
