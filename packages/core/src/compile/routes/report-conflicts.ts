import type { VirtualService } from '../../config/index.ts';
import type { CompileReport } from '../compile-report.ts';

/** Of the VirtualServices of a host: which of them have a rule for a port, and so might decide there, in Istio's order. */
export interface PortClaims {
  readonly port: number;
  readonly able: readonly VirtualService[];
}

/** Says of the VirtualServices of a host which never decide, or not at a port that they have rules for (IST0109). */
export function reportConflicts(
  host: string,
  owners: readonly VirtualService[],
  ports: readonly PortClaims[],
  report: CompileReport,
): void {
  const deciders = new Set(ports.flatMap(({ able }) => able.slice(0, 1)));
  for (const [index, owner] of owners.entries()) {
    if (deciders.has(owner)) {
      for (const { port, able } of ports) {
        const [decider] = able;
        if (decider === undefined || decider === owner || !able.includes(owner)) continue;
        const where = port === 0 ? 'At ports that no rule names' : `At port ${port}`;
        const message = `${where}, host ${host} belongs to VirtualService ${nameOf(decider)}, which takes precedence; this one is not used there.`;
        add(owner, host, message, report);
      }
      continue;
    }
    const before = owners.slice(0, index).filter((one) => deciders.has(one));
    if (before.length > 0) reportConflict(owner, host, before, report);
  }
}

/** Says of a VirtualService that others decide about one of its hosts. */
export function reportConflict(
  owner: VirtualService,
  host: string,
  deciders: readonly VirtualService[],
  report: CompileReport,
): void {
  const names = deciders.map(nameOf).join(' and ');
  const [whose, take] = deciders.length === 1 ? ['VirtualService', 'takes'] : ['VirtualServices', 'take'];
  const message = `Host ${host} belongs to ${whose} ${names}, which ${take} precedence; this one is not used for it.`;
  add(owner, host, message, report);
}

function add(owner: VirtualService, host: string, message: string, report: CompileReport): void {
  // A host may be written short; of one object no two mean the same.
  const short = host.split('.', 1)[0];
  const pattern = owner.hosts.find((one) => one.host === host) ?? owner.hosts.find((one) => one.host === short);
  report.add('virtual-service-conflict', owner, message, pattern?.place);
}

function nameOf({ namespace, name }: VirtualService): string {
  return `${namespace}/${name}`;
}
