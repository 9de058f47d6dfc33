/** What `kubeproxy_sync_proxy_rules_duration_seconds` says of IPv4. */
export interface Syncs {
  readonly count: number;
  /** Seconds. */
  readonly sum: number;
}

/** @param text of `/metrics`; a metric that is not there yet counts as nothing */
export function parseSyncs(text: string): Syncs {
  const read = (what: string): number => {
    const pattern = `^kubeproxy_sync_proxy_rules_duration_seconds_${what}\\{[^}]*ip_family="IPv4"[^}]*\\} (\\S+)$`;
    return Number(new RegExp(pattern, 'm').exec(text)?.[1] ?? 0);
  };
  return { count: read('count'), sum: read('sum') };
}
