import type { HttpRule, VirtualService } from '../../config/index.ts';
import type { ServiceEntry } from '../../model/index.ts';
import type { CompileReport } from '../compile-report.ts';
import { resolveHost } from '../host-names.ts';
import { createMatchIndex } from './match-index.ts';

/** Rules that do nothing, or not what they seem to. */
export function analyzeVirtualServices(
  virtualServices: readonly VirtualService[],
  byHost: ReadonlyMap<string, ServiceEntry>,
  clusterDomain: string,
  report: CompileReport,
): void {
  for (const virtualService of virtualServices) {
    reportIneffective(virtualService, report);
    for (const rule of virtualService.http ?? []) {
      reportPorts(virtualService, rule, byHost, clusterDomain, report);
      reportFaults(virtualService, rule, report);
    }
  }
}

/** A match that an earlier one takes everything from (Istio: IST0131). */
function reportIneffective(virtualService: VirtualService, report: CompileReport): void {
  const earlier = createMatchIndex();
  for (const rule of virtualService.http ?? []) {
    for (const match of rule.matches) {
      const other = earlier.add(match);
      if (other !== undefined) {
        const message = `This match takes no call: ${other.place.path} takes all of them before; put it first or remove it.`;
        report.add('match-ineffective', virtualService, message, match.place);
      }
    }
  }
}

/** Faults of no calls at all (istio.io, `HTTPFaultInjection`: without a percentage there is none). */
function reportFaults(virtualService: VirtualService, { fault, place }: HttpRule, report: CompileReport): void {
  for (const [field, done] of [
    ['delay', 'delayed'],
    ['abort', 'aborted'],
  ] as const) {
    if (fault?.[field]?.percent !== 0) continue;
    const message = `Field ${field} has no percentage, or one of 0, so no call is ${done}, by Istio neither; say percentage.value, or remove it.`;
    report.add('fault-never-fires', virtualService, message, { ...place, path: `${place.path}.fault.${field}` });
  }
}

/** A destination of several ports must say which (Istio: IST0112); here the addressed one is taken, if it is there. */
function reportPorts(
  virtualService: VirtualService,
  rule: HttpRule,
  byHost: ReadonlyMap<string, ServiceEntry>,
  clusterDomain: string,
  report: CompileReport,
): void {
  for (const destination of rule.destinations) {
    if (destination.port !== undefined) continue;
    const host = resolveHost(destination.host, virtualService.namespace, clusterDomain);
    const ports = byHost.get(host)?.ports.filter(({ port }) => port.protocol === 'TCP') ?? [];
    if (ports.length < 2) continue;
    const numbers = ports.map(({ port }) => port.port).join(', ');
    const message = `Service ${host} has the ports ${numbers}, and this destination names none, so the one the caller dialled is used; add port.number.`;
    report.add('destination-port-open', virtualService, message, destination.place);
  }
}
