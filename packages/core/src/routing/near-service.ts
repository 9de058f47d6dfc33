import { closestName } from '../config/index.ts';
import { serviceKey, type Snapshot } from '../model/index.ts';
import { parseAuthority } from './parse-authority.ts';
import { splitServiceName } from './service-names.ts';

/** Namespaces that are named; of more only their number. */
const MOST = 5;

/** Where an authority names a Service that is not known, those that may have been meant: a sentence each. */
export function nearServices({ services, clusterDomain }: Snapshot, text: string, from: string): readonly string[] {
  const authority = parseAuthority(text);
  if (authority === undefined || authority.isIpAddress) return [];
  const named = splitServiceName(authority.host, from, clusterDomain);
  if (named === undefined || services.has(serviceKey(named.namespace, named.name))) return [];
  const { name, namespace } = named;
  const elsewhere = [...services.values()].flatMap(({ service }) => (service.name === name ? [service.namespace] : []));
  if (elsewhere.length > 0) {
    const told = elsewhere.slice(0, MOST).join(', ');
    const more = elsewhere.length > MOST ? ` and ${elsewhere.length - MOST} more` : '';
    return [`There is a Service ${name} in ${elsewhere.length === 1 ? 'namespace' : 'the namespaces'} ${told}${more}.`];
  }
  const near = closestName(serviceKey(namespace, name), [...services.keys()]);
  return near === undefined ? [] : [`There is Service ${near}.`];
}
