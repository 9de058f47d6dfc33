import { ANNOTATION_PREFIX, type AnnotationName, type ConfigObject } from '../../config/index.ts';
import type { AnnotationSettings, Diagnostic } from '../../model/index.ts';
import { CompileReport } from '../compile-report.ts';

/** How calls get from their callers to the pods (docs/ARCHITECTURE.md); `proxy` and `node` honour what Snapshots hold. */
export type Way = 'service' | 'headless' | 'library' | 'proxy' | 'node';

/** What a way does with calls, and what it goes by. */
interface WayKind {
  readonly instead: string;
  readonly annotations: ReadonlySet<keyof AnnotationSettings>;
}

const NONE: ReadonlySet<keyof AnnotationSettings> = new Set();

const WAYS: Readonly<Record<Way, WayKind | undefined>> = {
  service: { instead: "the kernel's rules choose a pod for each connection", annotations: NONE },
  headless: { instead: 'callers go to the addresses that DNS tells them', annotations: NONE },
  library: {
    instead: '@steelyard/grpc-js balances in the caller, by annotations of the Service and its own service config',
    annotations: new Set(['policy', 'subsetSize', 'successRate', 'failurePercentage']),
  },
  proxy: undefined,
  node: undefined,
};

const NAMES: Readonly<Record<keyof AnnotationSettings, AnnotationName>> = {
  policy: 'load-balancer',
  subsetSize: 'subset-size',
  healthCheck: 'health-check',
  hedging: 'hedging',
  successRate: 'success-rate-ejection',
  failurePercentage: 'failure-percentage-ejection',
};

/** What objects say that calls on this way get nothing of. */
export function analyzeWay(way: Way, objects: readonly ConfigObject[]): readonly Diagnostic[] {
  const kind = WAYS[way];
  if (kind === undefined) return [];
  const report = new CompileReport();
  for (const object of objects) {
    if (object.kind === 'VirtualService' || object.kind === 'DestinationRule') {
      const message = `On the way ${way} nobody reads a ${object.kind}: ${kind.instead}; send the calls through the proxy or the node.`;
      report.add('way-cannot-honour', object, message);
    } else if (object.kind === 'Service') {
      for (const [setting, name] of Object.entries(NAMES)) {
        if (!isSetting(setting) || object.annotations?.[setting] === undefined || kind.annotations.has(setting))
          continue;
        const message = `On the way ${way} annotation ${ANNOTATION_PREFIX}${name} has no effect: ${kind.instead}; send the calls through the proxy or the node.`;
        report.add('way-cannot-honour', object, message);
      }
    }
  }
  return report.diagnostics;
}

function isSetting(name: string): name is keyof AnnotationSettings {
  return Object.hasOwn(NAMES, name);
}
