import { existsSync } from 'node:fs';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { Option } from 'commander';
import pc from 'picocolors';
import { serviceKey } from '@steelyard/core/model';
import type { KernelMode, Lab, LabReport, ReportPaint, Way } from '../../lab/index.ts';
import {
  createProgress,
  EXAMPLE_MANIFESTS,
  findLabTarget,
  isAsExpected,
  isWay,
  KERNEL_WAYS,
  lacksClusterIp,
  renderLabReport,
  runLab,
  withClusterIps,
} from '../../lab/index.ts';
import type { LabScenarioOptions } from './lab-scenario.ts';
import { addScenarioOptions, playScenario, readScenario } from './lab-scenario.ts';
import type { CliContext } from '../cli-context.ts';
import { createCliLogger } from '../cli-logger.ts';
import { EXIT } from '../exit-code.ts';
import type { OpenSourceOptions } from '../open-source.ts';
import { openSource } from '../open-source.ts';
import { collect, wholeNumber } from '../options/option-values.ts';
import { renderStructured } from '../render-output.ts';
import type { LogOptions, ManifestOptions, OutputFormat } from '../options/shared-options.ts';
import { addLogOptions, addManifestOptions, addOutputOption, isClusterNamed } from '../options/shared-options.ts';
import { aborted, watchStopSignals } from '../stop-signal.ts';
import { UsageError } from '../usage-error.ts';

interface LabCommandOptions extends ManifestOptions, LogOptions, LabScenarioOptions {
  readonly service?: string;
  readonly calls: number;
  readonly concurrency: number;
  readonly seed: number;
  readonly way?: readonly string[];
  readonly keep?: boolean;
  readonly kernel?: KernelMode;
  readonly output: OutputFormat;
}

const MAX_SEED = 2 ** 32 - 1;

export function addLabCommand(program: Command, context: CliContext): void {
  const command = program
    .command('lab')
    .summary('run real gRPC calls over every way to the pods, and measure where they land')
    .description(
      'Runs one real gRPC server process per pod of a Service on this machine, then makes the same number of calls ' +
        "from one channel over each way: the Service's own rules, headless DNS, the proxy. Prints each pod's share " +
        'beside the expected one.',
    )
    .option('--service <name>', 'the Service: NAME, NAME.NAMESPACE, either with :PORT (default: the first that fits)')
    .addOption(new Option('--calls <n>', 'calls each way').argParser(wholeNumber(1, 10_000_000)).default(3000))
    .addOption(new Option('--concurrency <n>', 'calls under way at once').argParser(wholeNumber(1, 10_000)).default(4))
    .addOption(
      new Option('--seed <n>', 'what random choices are made from; another gives another run')
        .argParser(wholeNumber(0, MAX_SEED))
        .default(1),
    )
    .addOption(new Option('--way <way>', `only this way: ${KERNEL_WAYS.join(', ')} (repeatable)`).argParser(collect))
    .addOption(
      new Option(
        '--kernel [mode]',
        "in network namespaces, with real rules in the kernel, iptables' or nftables', and the node way; needs root",
      )
        .choices(['iptables', 'nftables'])
        .preset('iptables'),
    )
    .option('--keep', 'stay up afterwards, and say how to call each way with grpcurl');
  addScenarioOptions(command);
  addManifestOptions(command);
  addOutputOption(command);
  addLogOptions(command, 'warn');
  command
    .addHelpText('after', '\nWithout -f it runs on an example, examples/backend of the repository.')
    .addHelpText('after', 'Exit codes: 0 as expected, 1 a spread is off or calls failed, 2 wrong usage or input.')
    .action((options: LabCommandOptions) => lab(context, command, options));
}

async function lab(context: CliContext, command: Command, options: LabCommandOptions): Promise<void> {
  const ways = parseWays(options.way);
  const scenario = readScenario(command, options);
  const log = createCliLogger(context, options);
  const { source, showFindings } = await openSource(context, {
    ...options,
    // The example is for those who name no source of their own.
    ...(options.filename !== undefined || isClusterNamed(options) ? {} : example()),
    watch: false,
  });
  const snapshot = withClusterIps(source.current);
  const target = findLabTarget(snapshot, options.namespace, options.service);
  showFindings();
  const key = serviceKey(target.entry.service.namespace, target.entry.service.name);
  const written = source.current.services.get(key)?.service;
  if (written !== undefined && lacksClusterIp(written)) {
    log.warn(
      `Service ${key} has no clusterIP: the lab gives it ${target.clusterIp}, as an API server would give it one`,
    );
  }
  const progress = createProgress({ write: context.stderr.write, terminal: context.stderr.isTerminal });
  const signals = watchStopSignals();
  let running: Lab | undefined;
  try {
    if (scenario !== undefined) {
      const played = { ...options, scenario, snapshot, target, progress, log, signal: signals.first };
      await playScenario(context, played, options.output, paintFor(context));
      return;
    }
    running = await runLab({
      ...options,
      snapshot,
      target,
      ...(ways === undefined ? {} : { ways }),
      progress,
      log,
      signal: signals.first,
    });
    progress.clear();
    writeReport(context, running.report, options.output);
    context.setExitCode(isAsExpected(running.report) ? EXIT.fine : EXIT.no);
    if (options.keep === true) {
      context.stderr.write(`\nThe lab stays up until Ctrl-C. To call it yourself:\n\n${running.invitation}`);
      await aborted(signals.first);
    }
  } finally {
    progress.clear();
    await running?.close();
    source.close();
    signals.dispose();
  }
}

function parseWays(texts: readonly string[] | undefined): readonly Way[] | undefined {
  return texts?.map((text) => {
    if (!isWay(text)) throw new UsageError(`--way ${text}: there is no such way; choose ${KERNEL_WAYS.join(', ')}`);
    return text;
  });
}

/** The repository's example, where it can be edited; an installed package has the same built in. */
function example(): Pick<OpenSourceOptions, 'filename' | 'stdin'> {
  const folder = fileURLToPath(new URL('../../../../../examples/backend', import.meta.url));
  return existsSync(folder) ? { filename: [folder] } : { filename: ['-'], stdin: Readable.from([EXAMPLE_MANIFESTS]) };
}

function writeReport(context: CliContext, report: LabReport, format: OutputFormat): void {
  const { stdout } = context;
  if (format !== 'table') {
    stdout.write(renderStructured(report, format));
    return;
  }
  stdout.write(renderLabReport(report, paintFor(context), stdout.columns));
}

function paintFor({ stdout }: CliContext): ReportPaint {
  const colors = pc.createColors(stdout.hasColors);
  return { heading: colors.bold, good: colors.green, bad: colors.red, faint: colors.dim };
}
