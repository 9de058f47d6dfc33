import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
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
  readonly output: 'table' | 'json';
}

/** Exit 0 every bar holds, 1 one does not, 2 wrong usage. */
export function runSuite(args: readonly string[]): Promise<number> {
  return Promise.resolve(run(args));
}

function run(args: readonly string[]): number {
  let options: Options | 'help';
  try {
    options = parseOptions(args);
  } catch (error) {
    process.stderr.write(`bench core: ${error instanceof Error ? error.message : String(error)}\n${USAGE}`);
    return 2;
  }
  if (options === 'help') {
    process.stdout.write(USAGE);
    return 0;
  }
  const { members, output } = options;
  const report: CoreReport = {
    versions: { node: process.versions.node },
    machine: `${cpus()[0]?.model ?? 'unknown'} x ${cpus().length}`,
    rows: withBars([
      ...measureFromScratch(options, 9),
      ...measureOneChange(options, 1000),
      ...measureRouting(500, 100, 200_000),
      ...measurePicking(members, 500_000),
    ]),
  };
  const text = `${JSON.stringify(report, null, 2)}\n`;
  const folder = resolve(import.meta.dirname, '..', '..', 'results');
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `core-${new Date().toISOString().replaceAll(/[:.]/g, '-')}.json`);
  writeFileSync(file, text);
  process.stdout.write(output === 'json' ? text : renderReport(report));
  process.stderr.write(`kept in ${file}\n`);
  return report.rows.every(({ holds }) => holds !== false) ? 0 : 1;
}

function parseOptions(args: readonly string[]): Options | 'help' {
  const { values } = parseArgs({
    args: [...args],
    options: {
      services: { type: 'string', default: '1000' },
      endpoints: { type: 'string', default: '10' },
      members: { type: 'string', default: '10000' },
      output: { type: 'string', short: 'o', default: 'table' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return 'help';
  const { output } = values;
  if (output !== 'table' && output !== 'json') throw new Error(`-o is table or json, not ${output}`);
  return {
    services: count('--services', values.services, 65_536),
    endpoints: count('--endpoints', values.endpoints, 250),
    members: count('--members', values.members, 1_000_000),
    output,
  };
}

function count(option: string, text: string, most: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= 1 && value <= most) return value;
  throw new Error(`${option} is a whole number from 1 to ${most}, not ${text}`);
}
