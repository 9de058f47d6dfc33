import type { Command } from 'commander';
import { Option } from 'commander';
import type { ReportPaint, ScenarioOptions, Scenario } from '../../lab/index.ts';
import { isScenario, isScenarioAsExpected, renderScenarioReport, runScenario, SCENARIOS } from '../../lab/index.ts';
import type { CliContext } from '../cli-context.ts';
import { EXIT } from '../exit-code.ts';
import { wholeNumber } from '../options/option-values.ts';
import { renderStructured } from '../render-output.ts';
import type { OutputFormat } from '../options/shared-options.ts';
import { UsageError } from '../usage-error.ts';

export interface LabScenarioOptions {
  readonly scenario?: string;
  readonly callsPerSecond: number;
  readonly way?: readonly string[];
}

export function addScenarioOptions(command: Command): void {
  command
    .option(
      '--scenario <name>',
      `instead: pods come and go while @steelyard/grpc-js and plain grpc-js call by headless DNS: ${SCENARIOS.join(', ')}`,
    )
    .addOption(
      new Option('--calls-per-second <n>', 'of each caller of a scenario').argParser(wholeNumber(1, 5000)).default(200),
    );
}

/** The scenario that is asked for, with nothing beside it that it has no use for. */
export function readScenario(command: Command, { scenario, way }: LabScenarioOptions): Scenario | undefined {
  if (scenario === undefined) {
    if (command.getOptionValueSource('callsPerSecond') === 'cli') {
      throw new UsageError('--calls-per-second: is for --scenario; without one give --calls');
    }
    return undefined;
  }
  if (!isScenario(scenario)) {
    throw new UsageError(`--scenario ${scenario}: there is no such scenario; choose ${SCENARIOS.join(' or ')}`);
  }
  const other = way?.find((each) => each !== 'headless');
  if (other !== undefined) {
    throw new UsageError(`--scenario ${scenario}: is played on the headless way; leave out --way ${other}`);
  }
  if (command.getOptionValueSource('kernel') === 'cli') {
    throw new UsageError(`--scenario ${scenario}: is played on loopback; leave out --kernel`);
  }
  for (const name of ['calls', 'concurrency', 'keep']) {
    if (command.getOptionValueSource(name) !== 'cli') continue;
    throw new UsageError(`--scenario ${scenario}: has no use for --${name}; give --calls-per-second`);
  }
  return scenario;
}

export async function playScenario(
  context: CliContext,
  options: ScenarioOptions,
  format: OutputFormat,
  paint: ReportPaint,
): Promise<void> {
  const report = await runScenario(options);
  const text =
    format === 'table' ? renderScenarioReport(report, paint, context.stdout.columns) : renderStructured(report, format);
  context.stdout.write(text);
  context.setExitCode(isScenarioAsExpected(report) ? EXIT.fine : EXIT.no);
}
