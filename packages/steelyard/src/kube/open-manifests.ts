import { normalize } from 'node:path';
import { text as readStream } from 'node:stream/consumers';
import type { CallerOptions } from '@steelyard/core/compile';
import { type ParsedObjects, renderDiagnostic } from '@steelyard/core/config';
import type { Diagnostic, Snapshot, SnapshotSource } from '@steelyard/core/model';
import type { Logger } from '../log.ts';
import { createReloadableSource } from './manifest-source.ts';
import { ManifestsError } from './manifests-error.ts';
import { checkPaths, createManifestReader, STDIN_PATH } from './read-manifests.ts';
import { watchPaths } from './watch-paths.ts';

export interface ManifestOptions {
  /** Files, folders (their `*.yaml`, `*.yml`, `*.json`, not their folders), or `-` for standard input. */
  readonly paths: readonly string[];
  /** Fail to open if any document has an error, instead of starting from the others. Later errors never end anything. */
  readonly strict?: boolean;
  /** Publish a new Snapshot when files change. */
  readonly watch: boolean;
  /** Default `cluster.local`. */
  readonly clusterDomain?: string;
  /** Of objects that name none, and of the callers unless `client` says theirs. */
  readonly namespace: string;
  /** Labels and place of the callers. */
  readonly client?: CallerOptions;
  readonly log: Logger;
  /** Where `-` is read from. Default the process's standard input. */
  readonly stdin?: NodeJS.ReadableStream;
}

export interface ManifestSource extends SnapshotSource {
  /** Ends the watching; the last Snapshot stays. */
  close(): void;
}

/**
 * Manifests as a source of Snapshots. A document that breaks later keeps its last good version and is logged once.
 *
 * @throws {ManifestsError} when a path is absent or unreadable, or holds no Service that can be used; when strict, also
 * when a document has an error.
 */
export async function openManifests(options: ManifestOptions): Promise<ManifestSource> {
  const { log } = options;
  // A file named on its own and found in a folder is one file.
  const paths = options.paths.map((path) => (path === STDIN_PATH ? path : normalize(path)));
  if (paths.length === 0) throw new ManifestsError('MANIFESTS_EMPTY', 'No manifests are given; name a file or folder.');
  await checkPaths(paths);
  const stdin = paths.includes(STDIN_PATH) ? await readStream(options.stdin ?? process.stdin) : undefined;
  const reader = createManifestReader(paths, stdin);
  const source = await createReloadableSource({
    reader,
    ...(options.clusterDomain !== undefined && { clusterDomain: options.clusterDomain }),
    namespace: options.namespace,
    ...(options.client !== undefined && { client: options.client }),
    log,
    check: (parsed, snapshot) => checkUsable(paths, options.strict ?? false, parsed, snapshot),
  });
  const stopWatching = options.watch
    ? await watchPaths({
        paths,
        onChange: () => void source.reload(),
        fingerprint: () => reader.fingerprint(),
        log,
      })
    : undefined;
  // What changed between the first reading and the start of the watching.
  if (options.watch) await source.reload();
  return {
    get current() {
      return source.current;
    },
    subscribe: (listener) => source.subscribe(listener),
    close: () => stopWatching?.(),
  };
}

/** That there is nothing to read, as an error. */
export function noManifest(paths: readonly string[]): ManifestsError {
  const place = paths.map((path) => (path === STDIN_PATH ? 'stdin' : path)).join(', ');
  const message = `${place}: there is no manifest (of a folder its *.yaml, *.yml and *.json files count); add one.`;
  return new ManifestsError('MANIFESTS_EMPTY', message);
}

function checkUsable(paths: readonly string[], strict: boolean, parsed: ParsedObjects, snapshot: Snapshot): void {
  const errors = parsed.diagnostics.filter(({ severity }) => severity === 'error');
  if (strict && errors.length > 0) throw new ManifestsError('MANIFESTS_INVALID', renderFirst(errors));
  if (snapshot.services.size > 0) return;
  const place = paths.join(', ');
  const reasons = errors.length > 0 ? errors : snapshot.diagnostics;
  if (reasons.length > 0) {
    throw new ManifestsError('MANIFESTS_UNUSABLE', `${place}: no usable Service: ${renderFirst(reasons)}`);
  }
  if (parsed.objects.length > 0)
    throw new ManifestsError('MANIFESTS_UNUSABLE', `${place}: there is no Service; add one.`);
  throw noManifest(paths);
}

/** One line for all of them. */
function renderFirst(diagnostics: readonly Diagnostic[]): string {
  const [first, ...others] = diagnostics.map((diagnostic) => renderDiagnostic(diagnostic));
  return `${first ?? ''}${others.length === 0 ? '' : ` (and ${others.length} more)`}`;
}
