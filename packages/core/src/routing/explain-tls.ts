import type { Cluster, TlsSettings } from '../model/index.ts';
import type { ExplainedStep } from './explained-step.ts';

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

/** How connections to endpoints are secured; `undefined` where the rule leaves it to the proxy. */
export function explainTls({ tls, policyAt }: Cluster): ExplainedStep | undefined {
  if (tls === undefined) return undefined;
  const step = { step: 'tls', ...policyAt?.tls } as const;
  if (tls === 'DISABLE') return { ...step, decision: 'Connections to endpoints are in plain text.', because: [] };
  const why = whyNotSecured(tls);
  if (why !== undefined) {
    const decision = 'No connection to an endpoint can be secured, so every call there fails with UNAVAILABLE.';
    return { ...step, decision, because: [`${why}.`] };
  }
  const { caCertificates, caCrl, clientCertificate, privateKey } = tls;
  const files = [caCertificates, caCrl, ...(tls.mode === 'MUTUAL' ? [clientCertificate, privateKey] : [])];
  const named = files.filter((file) => file !== undefined);
  const because =
    named.length === 0
      ? []
      : [`It needs these files where the proxy runs; they are not looked at here: ${named.join(', ')}.`];
  return { ...step, decision: `Calls go to endpoints over TLS, mode ${tls.mode}.`, because };
}
