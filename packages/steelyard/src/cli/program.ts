import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { addAnalyzeCommand } from './analyze/analyze-command.ts';
import type { CliContext } from './cli-context.ts';
import { addDnsCommand } from './dns-command.ts';
import { addExplainCommand } from './explain/explain-command.ts';
import { addLabCommand } from './lab-command.ts';
import { addNodeCommand } from './node-mode/node-command.ts';
import { addProxyCommand } from './proxy-command.ts';
import { addServiceRulesCommand } from './service-rules-command.ts';

/** The whole command line. Usage errors throw a CommanderError after one line on stderr. */
export function createProgram(context: CliContext): Command {
  const version = readVersion();
  const program = new Command('steelyard')
    .description("Balances gRPC calls over Kubernetes pods, as the cluster's own objects say.")
    .version(version, '-V, --version', 'print the version')
    .helpCommand('help [command]', 'explain a command')
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
  return program;
}

function readVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  const manifest: unknown = JSON.parse(text);
  return typeof manifest === 'object' && manifest !== null && 'version' in manifest ? String(manifest.version) : '';
}
