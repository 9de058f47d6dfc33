import type { ExportTo } from '../config/index.ts';
import type { Service } from '../model/index.ts';
import type { ClientIdentity } from './client-identity.ts';

/** Whether an object of `owner` may shape the calls made from `client` (istio.io, `exportTo`; empty means `*`). */
export function isExportedTo(exportTo: ExportTo, owner: string, client: string): boolean {
  if (exportTo.length === 0) return true;
  return exportTo.some((entry) => entry === '*' || entry === client || (entry === '.' && owner === client));
}

/** Whether a Service is one to these callers (annotation `networking.istio.io/exportTo`). */
export function isVisible({ exportTo = [], namespace }: Service, { clientNamespace }: ClientIdentity): boolean {
  return isExportedTo(exportTo, namespace, clientNamespace);
}

/**
 * Istio lists what is private to the client's namespace first, then what is exported to it by name, then what is public
 * (pilot/pkg/model, `virtualServiceIndex`); the age decides only within one of these.
 */
export function exportRank(exportTo: ExportTo, owner: string, client: string): number {
  if (exportTo.length === 0 || exportTo.includes('*')) return 2;
  return owner === client && exportTo.every((entry) => entry === '.' || entry === owner) ? 0 : 1;
}
