import type { Severity } from '@steelyard/core/model';
import type { ManifestSource } from '../kube/index.ts';
import { openManifests } from '../kube/index.ts';
import type { LogLevel } from '../log.ts';
import type { CliContext } from './cli-context.ts';
import { createCliLogger } from './cli-logger.ts';
import { renderDiagnosticSummary } from './render-diagnostic-summary.ts';
import type { LogOptions, ManifestOptions } from './shared-options.ts';
import { manifestPaths } from './shared-options.ts';

export interface OpenSource {
  readonly source: ManifestSource;
  /**
   * Says on stderr what is the matter with the manifests: what was found when they were opened, then whatever is found
   * later. Not before the command has begun its work, as a command that fails says one line and no more.
   */
  readonly showFindings: () => void;
}

export interface OpenSourceOptions extends ManifestOptions, LogOptions {
  /** Follow changes, for a command that stays: it starts from what is usable, and a broken edit ends nothing. */
  readonly watch: boolean;
}

/** Opens what `-f` names. A command that does not stay refuses manifests with an error: its answer would mislead. */
export async function openSource(context: CliContext, options: OpenSourceOptions): Promise<OpenSource> {
  const paths = manifestPaths(options);
  const { clusterDomain, namespace, watch } = options;
  let held: string | undefined = '';
  const write = (text: string): void => {
    if (held === undefined) context.stderr.write(text);
    else held += text;
  };
  // Findings begin with their place, as compilers print them and editors read them: no word of the log before it.
  const log = createCliLogger({ ...context, stderr: { ...context.stderr, write } }, options, { bare: true });
  const source = await openManifests({ paths, watch, strict: !watch, clusterDomain, namespace, log });
  const summary = renderDiagnosticSummary(
    source.current.diagnostics.filter(({ severity }) => SHOWN[options.logLevel].includes(severity)),
  );
  if (summary !== '') log.error(summary);
  return {
    source,
    showFindings: () => {
      const text = held ?? '';
      held = undefined;
      if (text !== '') write(text);
    },
  };
}

/** What a log level lets through. */
const SHOWN: Readonly<Record<LogLevel, readonly Severity[]>> = {
  debug: ['error', 'warning', 'info'],
  info: ['error', 'warning', 'info'],
  warn: ['error', 'warning'],
  error: ['error'],
};
