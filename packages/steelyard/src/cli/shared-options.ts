import type { Command } from 'commander';
import { Option } from 'commander';
import type { LogLevel } from '../log.ts';
import type { LogFormat } from '../log-lines.ts';
import { LOG_LEVELS } from '../log-lines.ts';
import { collect, parseDomain, parseNamespace } from './option-values.ts';
import { UsageError } from './usage-error.ts';

/** Options that mean the same on every command. */
export interface ManifestOptions {
  readonly filename?: readonly string[];
  readonly namespace: string;
  readonly clusterDomain: string;
  readonly kubeconfig?: string;
  readonly context?: string;
}

export interface LogOptions {
  readonly logLevel: LogLevel;
  readonly logFormat: LogFormat;
}

export function addManifestOptions(command: Command): Command {
  return (
    command
      .addOption(
        new Option('-f, --filename <path>', 'read manifests: a file, a folder or - (repeatable)').argParser(collect),
      )
      .addOption(
        new Option('-n, --namespace <name>', 'of objects that name none, and of short names')
          .argParser(parseNamespace)
          .default('default'),
      )
      .addOption(
        new Option('--cluster-domain <domain>', 'the domain of the cluster')
          .argParser(parseDomain)
          .default('cluster.local'),
      )
      // Part of the contract but not built yet: known, so that they get a better answer than "unknown option".
      .addOption(new Option('--kubeconfig <file>').hideHelp())
      .addOption(new Option('--context <name>').hideHelp())
  );
}

export function addLogOptions(command: Command, defaultLevel: LogLevel): Command {
  return command
    .addOption(new Option('--log-level <level>', 'how much to say on stderr').choices(LOG_LEVELS).default(defaultLevel))
    .addOption(
      new Option('--log-format <format>', 'for people or for machines').choices(['text', 'json']).default('text'),
    );
}

export type OutputFormat = 'table' | 'json' | 'yaml';

export function addOutputOption(command: Command): Command {
  return command.addOption(
    new Option('-o, --output <format>', 'of the result on stdout').choices(['table', 'json', 'yaml']).default('table'),
  );
}

/** The manifests' paths; a usage error where there are none, or where a cluster is asked for. */
export function manifestPaths(options: ManifestOptions): readonly string[] {
  if (options.kubeconfig !== undefined || options.context !== undefined) {
    const flag = options.kubeconfig === undefined ? '--context' : '--kubeconfig';
    throw new UsageError(`${flag}: reading from a cluster is not there yet; give manifests with -f PATH`);
  }
  if (options.filename === undefined) throw new UsageError('no manifests: give -f PATH (a file, a folder or -)');
  return options.filename;
}
