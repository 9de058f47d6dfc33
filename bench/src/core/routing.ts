import { createCompiler } from '@steelyard/core/compile';
import { createRouteTable, selectDestination, selectRoute } from '@steelyard/core/routing';
import { parse, routeObjects } from './objects.ts';
import { median } from '../statistics.ts';
import { cpuMs, type Row } from './report.ts';

/** What choosing a virtual host, a route and a destination costs for calls of many methods. */
export function measureRouting(rules: number, clusters: number, calls: number): readonly Row[] {
  const snapshot = createCompiler().compile(parse(routeObjects(rules, clusters)));
  const table = createRouteTable(snapshot, { namespace: 'default', listenPort: 8000 });
  const requests = Array.from({ length: rules }, (_, index) => ({
    path: `/pkg.Service${index}/Method`,
    method: 'POST',
    header: (name: string) => (name === 'x-user' ? `u${index}` : undefined),
  }));
  const times: number[] = [];
  let found = 0;
  for (let round = 0; round < 7; round++) {
    const began = cpuMs();
    for (let call = 0; call < calls; call++) {
      const host = table.findVirtualHost('svc-0.default:8000');
      const request = requests[call % requests.length];
      const route = host && request && selectRoute(host, request);
      if (route !== undefined && selectDestination(route, Math.random).cluster !== '') found++;
    }
    times.push(((cpuMs() - began) * 1e6) / calls);
  }
  if (found !== 7 * calls) throw new Error(`${7 * calls - found} calls had no route`);
  return [
    { what: `route of a call: ${rules} rules, ${clusters} clusters`, value: median(times), unit: 'ns', bar: 1000 },
  ];
}
