import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { addAnalyzeCommand } from './analyze/analyze-command.ts';
import type { CliContext } from './cli-context.ts';
import { addDnsCommand } from './dns-command.ts';
import { addExplainCommand } from './explain/explain-command.ts';
import { addLabCommand } from './lab/lab-command.ts';
import { addNodeCommand } from './node-mode/node-command.ts';
import { addProxyCommand } from './proxy-command.ts';
import { addServiceRulesCommand } from './service-rules/service-rules-command.ts';
import { UsageError } from './usage-error.ts';

/** The whole command line. Usage errors throw a CommanderError after one line on stderr. */
export function createProgram(context: CliContext): Command {
  const version = readVersion();
  const program = new Command('steelyard')
    .description("Balances gRPC calls over Kubernetes pods, as the cluster's own objects say.")
    .version(version, '-V, --version', 'print the version')
    .helpCommand(false)
    .helpOption('-h, --help', 'explain this command')
    .showSuggestionAfterError(true)
    .configureHelp({ showGlobalOptions: false })
    .exitOverride()
    .configureOutput({
      writeOut: context.stdout.write,
      writeErr: context.stderr.write,
      // One line, whatever commander adds ("Did you mean …").
      outputError: (text, write) => write(`${text.trim().replaceAll(/\s*\n\s*/g, ' ')}\n`),
      getOutHasColors: () => context.stdout.hasColors,
      getErrHasColors: () => context.stderr.hasColors,
    });
  program.addHelpText(
    'after',
    `\nStart with:\n  steelyard lab    see the problem, and two ways out of it, on this machine`,
  );
  addLabCommand(program, context);
  addProxyCommand(program, context);
  addNodeCommand(program, context);
  addDnsCommand(program, context);
  addServiceRulesCommand(program, context);
  addExplainCommand(program, context);
  addAnalyzeCommand(program, context);
  program
    .command('version')
    .description('print the version')
    .action(() => context.stdout.write(`${version}\n`));
  // commander's own says of a command that is not there what it says of none: everything but what is the matter.
  program
    .command('help [command]')
    .description('explain a command')
    .action((name: string | undefined) => explainCommand(program, name));
  return program;
}

function explainCommand(program: Command, name: string | undefined): void {
  const command = name === undefined ? program : program.commands.find((each) => each.name() === name);
  if (command === undefined) {
    const names = program.commands.map((each) => each.name()).join(', ');
    throw new UsageError(`help ${name}: there is no such command; there is ${names}`);
  }
  command.outputHelp();
}

function readVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  const manifest: unknown = JSON.parse(text);
  return typeof manifest === 'object' && manifest !== null && 'version' in manifest ? String(manifest.version) : '';
}
