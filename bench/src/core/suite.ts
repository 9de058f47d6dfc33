import { parseArgs } from 'node:util';
import { machineName, type Measurement, runMeasurement } from '../run-measurement.ts';
import { outputFormat, type OutputFormat, SUITE_OPTIONS, wholeNumber } from '../suite-options.ts';
import { measureFromScratch, measureOneChange } from './compiling.ts';
import { measurePicking } from './picking.ts';
import { type CoreReport, renderReport, withBars } from './report.ts';
import { measureRouting } from './routing.ts';

const USAGE = `npm run bench -- core [OPTIONS]
  --services N      that are compiled (default: 1000)
  --endpoints N     of each Service (default: 10)
  --members N       endpoints that are picked from (default: 10000)
  -o table|json     what is printed on standard output (default: table)
`;

interface Options {
  readonly services: number;
  readonly endpoints: number;
  readonly members: number;
  readonly output: OutputFormat;
}

const SUITE: Measurement<Options, CoreReport> = {
  name: 'core',
  usage: USAGE,
  parseOptions,
  measure: (options) => ({
    versions: { node: process.versions.node },
    machine: machineName(),
    rows: withBars([
      ...measureFromScratch(options, 9),
      ...measureOneChange(options, 1000),
      ...measureRouting(500, 100, 200_000),
      ...measurePicking(options.members, 500_000),
    ]),
  }),
  renderReport,
  holds: ({ rows }) => rows.every(({ holds }) => holds !== false),
};

/** Exit 0 every bar holds, 1 one does not, 2 wrong usage. */
export function runSuite(args: readonly string[]): Promise<number> {
  return runMeasurement(SUITE, args);
}

function parseOptions(args: readonly string[]): Options | 'help' {
  const { values } = parseArgs({
    args: [...args],
    options: {
      ...SUITE_OPTIONS,
      services: { type: 'string', default: '1000' },
      endpoints: { type: 'string', default: '10' },
      members: { type: 'string', default: '10000' },
    },
  });
  if (values.help) return 'help';
  return {
    services: wholeNumber('--services', values.services, 65_536),
    endpoints: wholeNumber('--endpoints', values.endpoints, 250),
    members: wholeNumber('--members', values.members, 1_000_000),
    output: outputFormat(values.output),
  };
}
