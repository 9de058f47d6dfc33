import type { TlsSettings } from '@steelyard/core/model';
import { whyNotSecured } from '@steelyard/core/routing';
import type { Logger } from '../../log.ts';
import { createUpstreamTls, type UpstreamTlsContext } from './tls-connect.ts';
import { type FollowedFiles, followFiles } from './tls-follow.ts';
import { readCertificates, readKey, readRevocations, TlsFileError, tryOut } from './tls-pem.ts';
import type { UpstreamTls } from './tls-settings.ts';

/** TLS to the pods of a cluster, as its DestinationRule says. */
export interface ClusterTls {
  /** For the next connection. Absent: there can be none, and `problem` says why. */
  readonly context: UpstreamTlsContext | undefined;
  /** Empty: there is none. */
  readonly problem: string;
  close(): void;
}

type Outcome = { readonly context: UpstreamTlsContext } | { readonly problem: string };

/**
 * Reads the files that a DestinationRule's `tls` names, and follows them until closed. Files that cannot be used are a
 * problem of this cluster alone; once they could be, what was read last stays in use until they can be again.
 *
 * @param host of the cluster: what to ask the pods for, and what their certificates must be for, where the rule is silent.
 * @param onChange there is something new for the next connection.
 */
export function openClusterTls(settings: TlsSettings, host: string, log: Logger, onChange: () => void): ClusterTls {
  const missing = whyNotSecured(settings);
  if (missing !== undefined) return { context: undefined, problem: missing, close: () => undefined };
  let outcome = read(settings, host);
  if ('problem' in outcome) log.error(`${host} cannot be called: ${outcome.problem}`);
  let isClosed = false;
  let files: FollowedFiles<string> | undefined;
  const paths = pathsOf(settings);
  if (paths.length > 0) {
    const reload = (): string => {
      const next = read(settings, host);
      if ('problem' in next && 'context' in outcome) throw new TlsFileError(next.problem);
      const before = fingerprintOf(outcome);
      outcome = next;
      if (before !== fingerprintOf(next)) onChange();
      return fingerprintOf(next);
    };
    const follow = async (): Promise<void> => {
      files = await followFiles({ paths, read: async () => reload(), fingerprint: (print) => print, log });
      if (isClosed) files.close();
    };
    follow().catch((error: unknown) => log.error(`the certificates for ${host} are not followed`, { error }));
  }
  return {
    get context() {
      return 'context' in outcome ? outcome.context : undefined;
    },
    get problem() {
      return 'problem' in outcome ? outcome.problem : '';
    },
    close() {
      isClosed = true;
      files?.close();
    },
  };
}

function read(settings: TlsSettings, host: string): Outcome {
  try {
    return { context: createUpstreamTls(readSettings(settings, host)) };
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) };
  }
}

function readSettings(settings: TlsSettings, host: string): UpstreamTls {
  const { mode, caCertificates, caCrl, clientCertificate, privateKey, subjectAltNames, insecureSkipVerify } = settings;
  const tls: UpstreamTls = {
    sni: settings.sni ?? host,
    subjectAltNames,
    insecureSkipVerify,
    ca: caCertificates === undefined ? undefined : readCertificates(caCertificates),
    crl: caCrl === undefined ? undefined : readRevocations(caCrl),
  };
  if (caCertificates !== undefined) tryOut(caCertificates, () => createUpstreamTls({ ...tls, crl: undefined }));
  if (caCrl !== undefined) tryOut(caCrl, () => createUpstreamTls(tls));
  // SIMPLE shows no certificate, whatever else the rule says (istio.io, `ClientTLSSettings`).
  if (mode !== 'MUTUAL' || clientCertificate === undefined || privateKey === undefined) return tls;
  const identity = { cert: readCertificates(clientCertificate), key: readKey(privateKey) };
  tryOut(`${clientCertificate} and ${privateKey}`, () => createUpstreamTls({ ...tls, identity }));
  return { ...tls, identity };
}

function pathsOf({ mode, caCertificates, caCrl, clientCertificate, privateKey }: TlsSettings): string[] {
  const all = [caCertificates, caCrl, ...(mode === 'MUTUAL' ? [clientCertificate, privateKey] : [])];
  return all.filter((path) => path !== undefined);
}

function fingerprintOf(outcome: Outcome): string {
  return 'problem' in outcome ? outcome.problem : JSON.stringify(outcome.context.settings);
}
