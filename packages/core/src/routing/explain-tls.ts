import type { Cluster } from '../model/index.ts';
import type { ExplainedStep } from './explained-step.ts';
import { whyNotSecured } from './why-not-secured.ts';

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
