import type { Command } from 'commander';
import { Option } from 'commander';
import type { Logger } from '../../log.ts';
import {
  type ClientAuth,
  type FollowedFiles,
  followServerTls,
  followUpstreamTls,
  type ServerTls,
  type UpstreamTls,
} from '../../proxy/index.ts';
import { collect } from './option-values.ts';
import { UsageError } from '../usage-error.ts';

export interface TlsOptions {
  readonly tlsCert?: readonly string[];
  readonly tlsKey?: readonly string[];
  readonly tlsClientCa?: string;
  readonly tlsClientAuth?: 'required' | 'optional';
  readonly upstreamTlsCa?: string;
  readonly upstreamTlsName?: string;
  readonly upstreamTlsCert?: string;
  readonly upstreamTlsKey?: string;
}

export function addTlsOptions(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--tls-cert <file>',
        "certificate chain in PEM: callers' connections are TLS; repeat it for other server names",
      ).argParser(collect),
    )
    .addOption(new Option('--tls-key <file>', 'its key in PEM; one for each --tls-cert').argParser(collect))
    .option('--tls-client-ca <file>', "who signs callers' certificates")
    .addOption(
      new Option(
        '--tls-client-auth <which>',
        'whether callers must show a certificate; required with --tls-client-ca',
      ).choices(['required', 'optional']),
    )
    .option('--upstream-tls-ca <file>', "who signs pods' certificates: connections to pods are TLS")
    .option('--upstream-tls-name <name>', 'server name to ask pods for, and the name in their certificates')
    .option('--upstream-tls-cert <file>', 'certificate chain to show to pods')
    .option('--upstream-tls-key <file>', 'its key');
}

/** The TLS of callers' connections; `undefined` for plain text. */
export async function openServerTls(options: TlsOptions, log: Logger): Promise<FollowedFiles<ServerTls> | undefined> {
  const { tlsCert: certs = [], tlsKey: keys = [], tlsClientCa: clientCa, tlsClientAuth } = options;
  if (certs.length !== keys.length) {
    throw new UsageError(
      `--tls-cert, --tls-key: ${certs.length} certificates and ${keys.length} keys; give one key for each`,
    );
  }
  if (clientCa === undefined && tlsClientAuth !== undefined) {
    throw new UsageError('--tls-client-auth: say with --tls-client-ca who signs the certificates');
  }
  if (certs.length === 0) {
    if (clientCa === undefined) return undefined;
    throw new UsageError('--tls-client-ca: client certificates need TLS; give --tls-cert and --tls-key');
  }
  const identities = certs.map((cert, i) => ({ cert, key: keys[i] ?? '' }));
  const clientAuth: ClientAuth = clientCa === undefined ? 'none' : (tlsClientAuth ?? 'required');
  return followServerTls({ identities, clientCa, clientAuth }, log);
}

/** The TLS of connections to pods; `undefined` for plain text. */
export async function openUpstreamTls(
  options: TlsOptions,
  log: Logger,
): Promise<FollowedFiles<UpstreamTls> | undefined> {
  const { upstreamTlsCa: ca, upstreamTlsName: name, upstreamTlsCert: cert, upstreamTlsKey: key } = options;
  if (ca === undefined) {
    if (name === undefined && cert === undefined && key === undefined) return undefined;
    throw new UsageError("--upstream-tls-…: say with --upstream-tls-ca who signs the pods' certificates");
  }
  if (name === undefined) {
    throw new UsageError(
      '--upstream-tls-ca: say with --upstream-tls-name whose certificate it must be, as backend.default.svc',
    );
  }
  if ((cert === undefined) !== (key === undefined)) {
    throw new UsageError('--upstream-tls-cert, --upstream-tls-key: give both or none');
  }
  const identity = cert === undefined || key === undefined ? undefined : { cert, key };
  return followUpstreamTls({ ca, identity, name }, log);
}
