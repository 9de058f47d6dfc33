import type { Command } from 'commander';
import { Option } from 'commander';
import type { LogLevel } from '../../log.ts';
import type { LogFormat } from '../../log-lines.ts';
import { LOG_LEVELS } from '../../log-lines.ts';
import { collect, parseDomain, parseNamespace } from './option-values.ts';

/** Options that mean the same on every command. */
export interface ManifestOptions {
  readonly filename?: readonly string[];
  readonly namespace: string;
  readonly clusterDomain: string;
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly as?: string;
}

export interface LogOptions {
  readonly logLevel: LogLevel;
  readonly logFormat: LogFormat;
}

export function addManifestOptions(command: Command): Command {
  return command
    .addOption(
      new Option('-f, --filename <path>', 'read manifests: a file, a folder or - (repeatable)').argParser(collect),
    )
    .option('--kubeconfig <file>', 'read from the API server of this file (in a Pod: of its own cluster)')
    .option('--context <name>', 'of the kubeconfig, if not its current one')
    .option('--as <user>', 'read as this user')
    .addOption(
      new Option('-n, --namespace <name>', 'of objects that name none, and of short names')
        .argParser(parseNamespace)
        .default('default'),
    )
    .addOption(
      new Option('--cluster-domain <domain>', 'the domain of the cluster')
        .argParser(parseDomain)
        .default('cluster.local'),
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

/** Whether an API server is asked for, beside manifests or instead of them. */
export function isClusterNamed({ kubeconfig, context }: ManifestOptions): boolean {
  return kubeconfig !== undefined || context !== undefined;
}
