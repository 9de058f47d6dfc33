import { parseArgs } from 'node:util';
import { isSubjectName, SUBJECT_NAMES, type SubjectName } from '@steelyard/tools/peers';
import { numberBetween, outputFormat, type OutputFormat, SUITE_OPTIONS } from '../suite-options.ts';
import { parseShape, SHAPES, type Shape } from './run/shape.ts';

const PARTS = ['cpu', 'latency', 'memory'] as const;
export type Part = (typeof PARTS)[number];

const PEER_NAMES: readonly SubjectName[] = SUBJECT_NAMES.filter((name) => name !== 'steelyard');

export interface BenchOptions {
  readonly parts: readonly Part[];
  readonly shapes: readonly Shape[];
  readonly peers: readonly SubjectName[];
  /** Peers were named: it is an error when one is not installed. */
  readonly peersNamed: boolean;
  /** Numbers of backends that CPU time is measured with. */
  readonly upstreams: readonly number[];
  readonly rounds: number;
  /** Route rules ahead of the one that takes the calls, for ours. */
  readonly rules: number;
  /** Measured time per round, shape and subject. */
  readonly seconds: number;
  readonly output: OutputFormat;
  readonly writeDocs: boolean;
  /** Folder that the report is kept in; that of the benchmark unless it is named. */
  readonly keep: string | undefined;
  /** A report that was kept: nothing is measured. */
  readonly from: string | undefined;
  /** Folder for a CPU profile of ours. */
  readonly profile: string | undefined;
}

const shapeLines = SHAPES.map(({ name, about }) => `                      ${name.padEnd(10)} ${about}\n`).join('');

export const USAGE: string = `npm run bench [-- OPTIONS]

CPU time of the proxy process per call, added latency and memory per connection:
ours beside each peer's, in rounds that take turns, on this machine.

What to measure:
  --parts LIST      cpu, latency, memory (default: all three)
  --shapes LIST     of the CPU time; any CxS, connections x calls under way on
                    each, or tls-CxS, or of the defaults:
${shapeLines}  --upstreams LIST  numbers of backends (default: 1,8); with more than one only
                    the CxS shapes above 1x1 are measured
  --peers LIST      ${PEER_NAMES.join(', ')}, or none; a peer that is named must be
                    installed (default: those that are installed)
  --rules N         route rules that our proxy has ahead of the one that takes the
                    calls, over a fifth as many clusters (default: 0)
  --rounds N        medians over them are reported (default: 5)
  --seconds N       measured time per round, shape and subject (default: 0.6)

What to do with it:
  -o table|json     what is printed on standard output (default: table)
  --write-docs      writes docs/benchmarks.md, .svg and .json
  --keep FOLDER     where the report is kept as JSON (default: bench/results)
  --from FILE       takes a report that was kept instead of measuring
  --profile FOLDER  writes a CPU profile of our proxy into it and says where the
                    time goes; the figures of such a run are not comparable

Lists are separated by commas.
`;

/** Throws a one-sentence error for a wrong option. */
export function parseOptions(args: readonly string[]): BenchOptions | 'help' {
  const { values } = parseArgs({
    args: [...args],
    options: {
      ...SUITE_OPTIONS,
      parts: { type: 'string', default: PARTS.join(',') },
      shapes: { type: 'string' },
      upstreams: { type: 'string', default: '1,8' },
      peers: { type: 'string' },
      rules: { type: 'string', default: '0' },
      rounds: { type: 'string', default: '5' },
      seconds: { type: 'string', default: '0.6' },
      'write-docs': { type: 'boolean', default: false },
      keep: { type: 'string' },
      from: { type: 'string' },
      profile: { type: 'string' },
    },
  });
  if (values.help) return 'help';
  return {
    parts: list('--parts', values.parts, partOption),
    shapes: values.shapes === undefined ? SHAPES : list('--shapes', values.shapes, shapeOption),
    peers: values.peers === undefined ? PEER_NAMES : peersOption(values.peers),
    peersNamed: values.peers !== undefined,
    upstreams: list('--upstreams', values.upstreams, (text) => Math.floor(numberBetween('--upstreams', text, 1, 64))),
    rules: Math.floor(numberBetween('--rules', values.rules, 0, 10_000)),
    rounds: Math.floor(numberBetween('--rounds', values.rounds, 1, 100)),
    seconds: numberBetween('--seconds', values.seconds, 0.05, 600),
    output: outputFormat(values.output),
    writeDocs: values['write-docs'],
    keep: values.keep,
    from: values.from,
    profile: values.profile,
  };
}

function list<T>(name: string, text: string, parse: (item: string) => T): readonly T[] {
  const items = text.split(',').filter((item) => item !== '');
  if (items.length === 0) throw new Error(`${name}: is empty`);
  return items.map(parse);
}

function partOption(text: string): Part {
  const part = PARTS.find((name) => name === text);
  if (part === undefined) throw new Error(`--parts ${text}: must be of ${PARTS.join(', ')}`);
  return part;
}

function shapeOption(text: string): Shape {
  const shape = parseShape(text);
  if (shape !== undefined) return shape;
  throw new Error(
    `--shapes ${text}: must be CxS as 10x10, tls-CxS, or of ${SHAPES.map(({ name }) => name).join(', ')}`,
  );
}

function peersOption(text: string): readonly SubjectName[] {
  if (text === 'none') return [];
  return list('--peers', text, (name) => {
    if (isSubjectName(name) && PEER_NAMES.includes(name)) return name;
    throw new Error(`--peers ${name}: must be none, or of ${PEER_NAMES.join(', ')}`);
  });
}
