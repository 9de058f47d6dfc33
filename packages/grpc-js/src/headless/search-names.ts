/** How names of few dots are completed: `search` and `options ndots` of resolv.conf. */
export interface SearchRules {
  readonly domains: readonly string[];
  readonly ndots: number;
}

/** As many as glibc takes into account, so that a wrong file cannot make for any number of look-ups. */
const MAX_DOMAINS = 32;

/** Reads resolv.conf (resolv.conf(5)): the last `search` or `domain` counts; what is not understood is passed over. */
function parseResolvConf(text: string): SearchRules {
  let domains: readonly string[] = [];
  let ndots = 1;
  for (const line of text.split('\n')) {
    const [keyword, ...words] = line
      .replace(/[#;].*/, '')
      .trim()
      .split(/\s+/);
    if (keyword === 'search' || keyword === 'domain') domains = words.slice(0, MAX_DOMAINS);
    if (keyword === 'options') {
      for (const word of words) {
        const dots = /^ndots:(\d+)$/.exec(word)?.[1];
        if (dots !== undefined) ndots = Math.min(Number(dots), 15);
      }
    }
  }
  return { domains, ndots };
}

/**
 * The rules of a Pod: those of its resolv.conf; where these know nothing of the cluster (`dnsPolicy: Default`), what the
 * kubelet writes for `ClusterFirst` is added, by the Pod's own namespace.
 */
export function podSearchRules(resolvConf: string, namespace: string | undefined): SearchRules {
  const rules = parseResolvConf(resolvConf);
  if (namespace === undefined || rules.domains.some((domain) => /(?:^|\.)svc\./.test(domain))) return rules;
  const cluster = [`${namespace}.svc.cluster.local`, 'svc.cluster.local', 'cluster.local'];
  return { domains: [...cluster, ...rules.domains], ndots: Math.max(rules.ndots, 5) };
}

/** The names to ask for, in order: with `ndots` dots or more as it stands first, with fewer last (resolv.conf(5)). */
export function searchNames(host: string, { domains, ndots }: SearchRules): readonly string[] {
  if (host.endsWith('.')) return [host.slice(0, -1)];
  const completed = domains
    .map((domain) => `${host}.${domain.replace(/\.$/, '')}`)
    .filter((name) => name.length <= 253);
  const dots = host.split('.').length - 1;
  return [...new Set(dots >= ndots ? [host, ...completed] : [...completed, host])];
}
