import type { ConfigObject } from '@steelyard/core/config';
import type { Severity, SnapshotSource } from '@steelyard/core/model';
import type { ClusterKind, KindStatus, NameFeed, ProgrammedChange } from '../kube/index.ts';
import { hasClusterAccount, openCluster, openManifests } from '../kube/index.ts';
import type { LogLevel } from '../log.ts';
import type { CliContext } from './cli-context.ts';
import { type ClientOptions, clientOf } from './options/client-options.ts';
import { createCliLogger } from './cli-logger.ts';
import { renderDiagnosticSummary } from './render-diagnostic-summary.ts';
import type { LogOptions, ManifestOptions } from './options/shared-options.ts';
import { isClusterNamed } from './options/shared-options.ts';
import { UsageError } from './usage-error.ts';

export interface OpenSource {
  readonly source: CommandSource;
  /**
   * Says on stderr what is the matter with the manifests: what was found when they were opened, then whatever is found
   * later. Not before the command has begun its work, as a command that fails says one line and no more.
   */
  readonly showFindings: () => void;
}

export interface CommandSource extends SnapshotSource {
  close(): void;
  /** Whether `current` is a whole state; `false` only while an API server's first one has not come. */
  readonly synced: boolean;
  /** See {@link ClusterSource.namespaces}; absent without an API server. */
  readonly namespaces?: NameFeed;
  /** See {@link ClusterSource.onProgrammed}; absent without an API server. */
  onProgrammed?(listener: (changes: readonly ProgrammedChange[]) => void): () => void;
  /** How it stands with the API server; empty without one. */
  status(): readonly KindStatus[];
  /** What `current` was compiled from; of manifests alone nobody asks. */
  objects?(): readonly ConfigObject[];
}

export interface OpenSourceOptions extends ManifestOptions, LogOptions, ClientOptions {
  /** Follow changes, for a command that stays: it starts from what is usable, and a broken edit ends nothing. */
  readonly watch: boolean;
  /** What to read from an API server; default everything that shapes traffic. */
  readonly kinds?: readonly ClusterKind[];
  /** What `-` stands for; default the process's standard input. */
  readonly stdin?: NodeJS.ReadableStream;
  /** Return before the API server has been heard, for a command that can say "not yet". */
  readonly early?: boolean;
}

const ALL_KINDS: readonly ClusterKind[] = [
  'Service',
  'EndpointSlice',
  'Pod',
  'Node',
  'VirtualService',
  'DestinationRule',
];
/** A command that does not stay does not wait long either; one that stays in a cluster outlasts any outage. */
const FIRST_STATE_MS = 15_000;

/**
 * Opens what `-f` names, or the API server, or both. A command that does not stay refuses manifests with an error: its
 * answer would mislead.
 */
export async function openSource(context: CliContext, options: OpenSourceOptions): Promise<OpenSource> {
  const { clusterDomain, namespace, watch } = options;
  let held: string | undefined = '';
  const write = (text: string): void => {
    if (held === undefined) context.stderr.write(text);
    else held += text;
  };
  // Findings begin with their place, as compilers print them and editors read them: no word of the log before it.
  const log = createCliLogger({ ...context, stderr: { ...context.stderr, write } }, options, { bare: true });
  const show = (): void => {
    const text = held ?? '';
    held = undefined;
    if (text !== '') write(text);
  };
  if (isClusterNamed(options) || (options.filename === undefined && hasClusterAccount())) {
    return { source: await openNamedCluster(context, options), showFindings: show };
  }
  if (options.filename === undefined) {
    throw new UsageError('no manifests: give -f PATH (a file, a folder or -), or --kubeconfig FILE');
  }
  const paths = options.filename;
  const client = clientOf(options);
  const { stdin } = options;
  const manifests = await openManifests({
    paths,
    watch,
    strict: !watch,
    clusterDomain,
    namespace,
    client,
    log,
    ...(stdin !== undefined && { stdin }),
  });
  const summary = renderDiagnosticSummary(
    manifests.current.diagnostics.filter(({ severity }) => SHOWN[options.logLevel].includes(severity)),
  );
  if (summary !== '') log.error(summary);
  const source: CommandSource = {
    get current() {
      return manifests.current;
    },
    synced: true,
    status: () => [],
    subscribe: (listener) => manifests.subscribe(listener),
    close: () => manifests.close(),
  };
  return { source, showFindings: show };
}

async function openNamedCluster(context: CliContext, options: OpenSourceOptions): Promise<CommandSource> {
  const { kubeconfig, context: name, as: impersonate, filename, clusterDomain, namespace, watch } = options;
  const source = await openCluster({
    kinds: options.kinds ?? ALL_KINDS,
    ...(kubeconfig !== undefined && { kubeconfig }),
    ...(name !== undefined && { context: name }),
    ...(impersonate !== undefined && { impersonate }),
    ...(filename !== undefined && { paths: filename }),
    clusterDomain,
    namespace,
    client: clientOf(options),
    log: createCliLogger(context, options).forComponent('kube'),
    findings: createCliLogger(context, options, { bare: true }),
  });
  if (options.early === true) return source;
  try {
    await source.whenSynced(watch && !isClusterNamed(options) ? undefined : FIRST_STATE_MS);
  } catch (error) {
    source.close();
    throw error;
  }
  return source;
}

/** What a log level lets through. */
const SHOWN: Readonly<Record<LogLevel, readonly Severity[]>> = {
  debug: ['error', 'warning', 'info'],
  info: ['error', 'warning', 'info'],
  warn: ['error', 'warning'],
  error: ['error'],
};
