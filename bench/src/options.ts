import { parseArgs } from 'node:util';
import { isSubjectName, SUBJECT_NAMES, type SubjectName } from '@steelyard/tools/peers';
import { parseShape, SHAPES, type Shape } from './measure.ts';

export interface BenchOptions {
  readonly shapes: readonly Shape[];
  readonly subjects: readonly SubjectName[];
  /** Measured time per round, shape and subject. */
  readonly seconds: number;
  readonly rounds: number;
  readonly output: 'table' | 'json';
}

export const USAGE: string = `npm run bench [-- OPTIONS]
  --shape CxS       connections x streams each, repeatable (default: 1x100 10x10 100x1 1x1)
  --subject NAME    ${SUBJECT_NAMES.join(' | ')}, repeatable (default: all that are installed)
  --seconds N       measured time per round, shape and subject (default: 1.5)
  --rounds N        rounds; the medians over them are reported (default: 5)
  -o table|json     what is printed on standard output (default: table)
`;

/** Throws a one-sentence error for a wrong option. */
export function parseOptions(args: readonly string[]): BenchOptions | 'help' {
  const { values } = parseArgs({
    args: [...args],
    options: {
      shape: { type: 'string', multiple: true },
      subject: { type: 'string', multiple: true },
      seconds: { type: 'string', default: '1.5' },
      rounds: { type: 'string', default: '5' },
      output: { type: 'string', short: 'o', default: 'table' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return 'help';
  const { output } = values;
  if (output !== 'table' && output !== 'json') throw new Error(`-o ${output}: must be table or json`);
  return {
    shapes: values.shape?.map(shapeOption) ?? SHAPES,
    subjects: values.subject?.map(subjectOption) ?? SUBJECT_NAMES,
    seconds: numberOption('--seconds', values.seconds, 0.1, 600),
    rounds: Math.floor(numberOption('--rounds', values.rounds, 1, 100)),
    output,
  };
}

function shapeOption(text: string): Shape {
  const shape = parseShape(text);
  if (shape === undefined) throw new Error(`--shape ${text}: must be like 10x10, connections x streams`);
  return shape;
}

function subjectOption(text: string): SubjectName {
  if (!isSubjectName(text)) throw new Error(`--subject ${text}: must be one of ${SUBJECT_NAMES.join(', ')}`);
  return text;
}

function numberOption(name: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (!(value >= least && value <= most)) throw new Error(`${name} ${text}: must be a number from ${least} to ${most}`);
  return value;
}
