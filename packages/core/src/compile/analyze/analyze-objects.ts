import type { ConfigObject } from '../../config/index.ts';
import type { Diagnostic, Snapshot } from '../../model/index.ts';
import { CompileReport } from '../compile-report.ts';
import { serviceHost } from '../host-names.ts';
import { analyzeDelegates } from './analyze-delegates.ts';
import { analyzeDestinationRules } from './analyze-destination-rules.ts';
import { analyzeServices } from './analyze-services.ts';
import { analyzeVirtualServices } from './analyze-virtual-services.ts';

/**
 * Findings beyond those that every Snapshot carries: what is valid and served as it says, but probably not meant so. Not
 * part of a Snapshot, as nobody wants to read them at every start.
 *
 * @param objects those the Snapshot was compiled from; without them only Services are looked at
 */
export function analyzeObjects(snapshot: Snapshot, objects: readonly ConfigObject[]): readonly Diagnostic[] {
  const report = new CompileReport();
  const { services, clusterDomain } = snapshot;
  analyzeServices(services.values(), report);
  const byHost = new Map(
    [...services.values()].map((entry) => [
      serviceHost(entry.service.namespace, entry.service.name, clusterDomain),
      entry,
    ]),
  );
  const virtualServices = objects.filter((object) => object.kind === 'VirtualService');
  analyzeVirtualServices(virtualServices, byHost, clusterDomain, report);
  analyzeDelegates(virtualServices, {
    clusterDomain,
    identity: { clientNamespace: '', clientLabels: {}, gateways: ['mesh'] },
    byHost,
    clusters: new Map(snapshot.clusters),
    report,
  });
  analyzeDestinationRules(
    objects.filter((object) => object.kind === 'DestinationRule'),
    byHost,
    clusterDomain,
    report,
  );
  return report.diagnostics;
}
