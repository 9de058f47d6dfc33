import type { HttpMatch, HttpRule, VirtualService } from '../../config/index.ts';
import type { RouteMatch, ServiceEntry, TextMatch } from '../../model/index.ts';
import { isSame } from '../same.ts';
import type { CompileReport } from '../compile-report.ts';
import { resolveHost } from '../host-names.ts';

/** Rules that do nothing, or not what they seem to. */
export function analyzeVirtualServices(
  virtualServices: readonly VirtualService[],
  byHost: ReadonlyMap<string, ServiceEntry>,
  clusterDomain: string,
  report: CompileReport,
): void {
  for (const virtualService of virtualServices) {
    reportIneffective(virtualService, report);
    for (const rule of virtualService.http ?? []) reportPorts(virtualService, rule, byHost, clusterDomain, report);
  }
}

/** A match that an earlier one takes everything from (Istio: IST0131). */
function reportIneffective(virtualService: VirtualService, report: CompileReport): void {
  const earlier: HttpMatch[] = [];
  for (const rule of virtualService.http ?? []) {
    for (const match of rule.matches) {
      const other = earlier.find((before) => takesAllOf(before, match));
      if (other !== undefined) {
        const message = `This match takes no call: ${other.place.path} takes all of them before; put it first or remove it.`;
        report.add('match-ineffective', virtualService, message, match.place);
      }
      earlier.push(match);
    }
  }
}

/** Only where it is certain: the same conditions, or nothing but a wider path. */
function takesAllOf(before: HttpMatch, match: HttpMatch): boolean {
  const { conditions: wide, place: _before, ...wideScope } = before;
  const { conditions: narrow, place: _match, ...narrowScope } = match;
  if (!isSame(wideScope, narrowScope)) return false;
  const { path: widePath, ...wideRest } = withoutName(wide);
  const { path: narrowPath, ...narrowRest } = withoutName(narrow);
  const { headers, withoutHeaders, queryParameters, method, scheme, authority, ignoreCase } = wide;
  const onlyPath =
    headers.length + withoutHeaders.length + queryParameters.length === 0 &&
    [method, scheme, authority].every((part) => part === undefined) &&
    ignoreCase === narrow.ignoreCase;
  return (onlyPath || isSame(wideRest, narrowRest)) && covers(widePath, narrowPath);
}

function withoutName({ name: _name, ...rest }: RouteMatch): Omit<RouteMatch, 'name'> {
  return rest;
}

function covers(wide: TextMatch | undefined, narrow: TextMatch | undefined): boolean {
  if (wide === undefined || isSame(wide, narrow)) return true;
  if (narrow === undefined || wide.kind !== 'prefix') return false;
  return (narrow.kind === 'exact' || narrow.kind === 'prefix') && narrow.text.startsWith(wide.text);
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
