import type { ParsedObject, ParsedObjects } from '../config/index.ts';
import type { Snapshot } from '../model/index.ts';
import type { ClientLocality } from './client-identity.ts';
import { type Compiled, compileSnapshot, keepUnchanged, type Scope } from './compile-snapshot.ts';
import { keepLastGood } from './changes/last-good.ts';
import { findChanges } from './changes/find-changes.ts';
import { applyChanges } from './changes/slice-changes.ts';

export interface CompilerOptions {
  /** Default `cluster.local`. */
  readonly clusterDomain?: string;
  /**
   * Namespace of the callers, which decides `exportTo` and where DestinationRules are looked up first. A Snapshot is
   * what callers of this one namespace see. Default `default`.
   */
  readonly clientNamespace?: string;
  /** Labels of the calling workload, which `sourceLabels`, `workloadSelector` and `failoverPriority` go by. */
  readonly clientLabels?: Readonly<Record<string, string>>;
  /** Where the callers are; default where their Node is. Without either no endpoint is near or far. */
  readonly clientLocality?: ClientLocality;
  /** Name of the Node the callers are on. */
  readonly clientNode?: string;
  /** What the callers' proxy serves: `mesh` (the default) or gateways, as `namespace/name`. */
  readonly gateways?: readonly string[];
  /** Where mesh-wide DestinationRules stand. Default `istio-system`. */
  readonly rootNamespace?: string;
}

/** Whose calls a Snapshot is for, as far as a command is told. */
export type CallerOptions = Pick<
  CompilerOptions,
  'clientNamespace' | 'clientLabels' | 'clientLocality' | 'clientNode' | 'gateways'
>;

/** Turns all objects there are into Snapshots, one after the other. */
export interface Compiler {
  /**
   * `parsed` is everything, not a difference. Broken objects keep their last good version (see `keepLastGood`). Returns
   * the previous Snapshot itself when nothing changed; otherwise what did not change keeps its identity.
   */
  compile(parsed: ParsedObjects): Snapshot;
}

export function createCompiler(options: CompilerOptions = {}): Compiler {
  const clusterDomain = (options.clusterDomain ?? 'cluster.local').toLowerCase();
  const { clientLocality, clientNode } = options;
  const scope: Scope = {
    clusterDomain,
    rootNamespace: options.rootNamespace ?? 'istio-system',
    clientNamespace: options.clientNamespace ?? 'default',
    clientLabels: options.clientLabels ?? {},
    gateways: options.gateways ?? ['mesh'],
    ...(clientLocality !== undefined && { clientLocality }),
    ...(clientNode !== undefined && { clientNode }),
  };
  let objects: ReadonlyMap<string, ParsedObject> = new Map();
  /** The newest parsed objects, when those in force are just these and were not listed yet. */
  let unlisted: ParsedObjects | undefined;
  let last: Compiled | undefined;
  let lastParsed: ParsedObjects | undefined;
  return {
    compile(parsed) {
      const changes = last && lastParsed && findChanges(lastParsed, parsed);
      const patched = last && changes && applyChanges(last, changes);
      if (patched === undefined) {
        const before = unlisted === undefined ? objects : keepLastGood(objects, unlisted);
        objects = keepLastGood(before, parsed);
        last = keepUnchanged(last, compileSnapshot(objects, scope, parsed.diagnostics, last?.snapshot));
      } else last = patched;
      unlisted = patched === undefined ? undefined : parsed;
      lastParsed = parsed;
      return last.snapshot;
    },
  };
}
