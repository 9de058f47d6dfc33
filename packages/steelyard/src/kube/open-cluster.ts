import { normalize } from 'node:path';
import { text as readStream } from 'node:stream/consumers';
import type { CallerOptions } from '@steelyard/core/compile';
import { type ParsedObjects, parseObjects } from '@steelyard/core/config';
import type { Logger } from '../log.ts';
import { isInCluster, loadInCluster } from './api/in-cluster.ts';
import { createNodeTransport } from './api/node-transport.ts';
import { proxyFromEnvironment } from './api/proxy-from-environment.ts';
import type { ClusterAccess } from './api/cluster-access.ts';
import { systemClock } from './cluster/clock.ts';
import { type ClusterSource, createClusterSource } from './cluster/create-cluster-source.ts';
import { REFLECTOR_TIMES } from './cluster/reflector-times.ts';
import type { ClusterKind } from './cluster/resource-kind.ts';
import { loadKubeconfig } from './kubeconfig/load-kubeconfig.ts';
import { checkPaths, createManifestReader, STDIN_PATH } from './read-manifests.ts';
import { watchPaths } from './watch-paths.ts';

export interface ClusterOptions {
  /** Else `KUBECONFIG` or `~/.kube/config` where a context is named, else the ServiceAccount of this Pod. */
  readonly kubeconfig?: string;
  readonly context?: string;
  /** Another user to act as (`kubectl --as`). */
  readonly impersonate?: string;
  /** Only what is of use: each is a watch, and a right to be granted. */
  readonly kinds: readonly ClusterKind[];
  /** Manifests beside the API server; their objects stand in the place of its own. */
  readonly paths?: readonly string[];
  /** Default `cluster.local`. */
  readonly clusterDomain?: string;
  /** Of the callers, and of manifests' objects that name none. */
  readonly namespace: string;
  /** Labels and place of the callers. */
  readonly client?: CallerOptions;
  readonly log: Logger;
  /** Where Diagnostics are written. */
  readonly findings: Logger;
}

/** What this process would talk to without being told: the cluster it runs in. */
export function hasClusterAccount(): boolean {
  return isInCluster(process.env);
}

/**
 * Follows the API server until `close`. Returns before anything has come: `whenSynced` waits for that.
 *
 * @throws ClusterError when it is not said where the API server is, or how to get in
 * @throws ManifestsError when a path cannot be read
 */
export async function openCluster(options: ClusterOptions): Promise<ClusterSource> {
  const { namespace, log } = options;
  const loaded = await loadAccess(options);
  const proxy = loaded.proxy ?? proxyFromEnvironment(loaded.server, process.env);
  const access = proxy === undefined ? loaded : { ...loaded, proxy };
  const manifests = await openBeside(options);
  const source = createClusterSource({
    transport: createNodeTransport(access),
    kinds: options.kinds,
    ...(options.clusterDomain !== undefined && { clusterDomain: options.clusterDomain }),
    namespace,
    ...(options.client !== undefined && { client: options.client }),
    log,
    findings: options.findings,
    clock: systemClock,
    random: Math.random,
    times: REFLECTOR_TIMES,
    manifests: () => manifests.parsed,
  });
  manifests.onChange = () => source.touch();
  return {
    ...source,
    get current() {
      return source.current;
    },
    get synced() {
      return source.synced;
    },
    close() {
      manifests.close();
      source.close();
    },
  };
}

function loadAccess({ kubeconfig, context, impersonate }: ClusterOptions): Promise<ClusterAccess> {
  if (kubeconfig === undefined && context === undefined) return loadInCluster(process.env);
  const choice = {
    ...(kubeconfig !== undefined && { file: kubeconfig }),
    ...(context !== undefined && { context }),
    ...(impersonate !== undefined && { impersonate }),
  };
  return loadKubeconfig(choice, process.env);
}

interface Beside {
  parsed: ParsedObjects;
  onChange: () => void;
  close: () => void;
}

const NOTHING: ParsedObjects = { objects: [], broken: [], diagnostics: [] };

async function openBeside({ paths: given = [], namespace, log }: ClusterOptions): Promise<Beside> {
  const beside: Beside = { parsed: NOTHING, onChange: () => undefined, close: () => undefined };
  if (given.length === 0) return beside;
  const paths = given.map((path) => (path === STDIN_PATH ? path : normalize(path)));
  await checkPaths(paths);
  const reader = createManifestReader(paths, paths.includes(STDIN_PATH) ? await readStream(process.stdin) : undefined);
  const read = async (): Promise<void> => {
    beside.parsed = parseObjects(await reader.read(), { defaultNamespace: namespace });
    beside.onChange();
  };
  await read();
  beside.close = await watchPaths({
    paths,
    onChange: () => void read(),
    fingerprint: () => reader.fingerprint(),
    log,
  });
  return beside;
}
