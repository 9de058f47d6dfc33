/** `backend.default.svc.cluster.local`: the name under which everything refers to a Service. */
export function serviceHost(namespace: string, name: string, clusterDomain: string): string {
  return `${name}.${namespace}.svc.${clusterDomain}`;
}

/**
 * Istio's rule (pilot/pkg/model, `ResolveShortnameToFQDN`): a name without a dot is of the namespace of the object that
 * says it; any name with a dot is taken as it is, so `name.namespace` is NOT expanded; wildcards are untouched.
 */
export function resolveHost(host: string, namespace: string, clusterDomain: string): string {
  return host.includes('.') || host.startsWith('*') ? host : serviceHost(namespace, host, clusterDomain);
}

/** How closely a resolved pattern fits a host: 0 not at all, more the longer; an exact name fits best. */
export function matchHost(pattern: string, host: string): number {
  if (pattern === host) return Number.POSITIVE_INFINITY;
  if (pattern === '*') return 1;
  return pattern.startsWith('*.') && host.endsWith(pattern.slice(1)) ? pattern.length : 0;
}

/** Whether a resolved pattern fits any of the hosts there are. */
export function matchesAny(pattern: string, hosts: ReadonlySet<string>): boolean {
  if (!pattern.startsWith('*')) return hosts.has(pattern);
  for (const host of hosts) if (matchHost(pattern, host) > 0) return true;
  return false;
}

/**
 * What the author of a host with dots may have meant: the fully qualified form, when it is written `name.namespace` or
 * `name.namespace.svc`.
 */
export function expandedHost(host: string, clusterDomain: string): string | undefined {
  const [name, namespace, svc, ...rest] = host.split('.');
  if (name === undefined || namespace === undefined || rest.length > 0 || name === '*') return undefined;
  return svc === undefined || svc === 'svc' ? serviceHost(namespace, name, clusterDomain) : undefined;
}
