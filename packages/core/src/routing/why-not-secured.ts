import type { Cluster, TlsSettings } from '../model/index.ts';

/** Why there can be no connection by these settings, as a sentence without its end: what they need has no source here. */
export function whyNotSecured({ mode, credentialName }: TlsSettings): string | undefined {
  if (mode === 'ISTIO_MUTUAL') {
    return 'tls mode ISTIO_MUTUAL needs the certificates that a mesh issues to its sidecars; use MUTUAL and name files';
  }
  if (credentialName !== undefined) {
    return `tls.credentialName "${credentialName}" is a Secret, which is not read; mount it and name its files`;
  }
  return undefined;
}

/** Whether every connection to the cluster's endpoints fails, whatever they are like. */
export function isOutOfReach({ tls }: Cluster): boolean {
  return tls !== undefined && tls !== 'DISABLE' && whyNotSecured(tls) !== undefined;
}
