import { join } from 'node:path';

/** The authority calls are sent to: the Service that the manifests of our own proxy describe. */
export const AUTHORITY = 'bench.default.svc.cluster.local:8000';

/** How a subject is to be set up: one worker, an h2c or TLS front on `port`, calls spread over h2c backends. */
export interface SubjectSetup {
  /** Of 127.0.0.1, where callers connect. */
  readonly port: number;
  /** Of 127.0.0.1, each a pod; calls go over them in turn. */
  readonly backendPorts: readonly number[];
  /** An empty folder for what it needs in files; removed with it. */
  readonly folder: string;
  /** TLS in front, with ALPN h2. */
  readonly tls?: TlsIdentity;
  /** Arguments of Node before the program, for those that run on it. */
  readonly nodeArgs?: readonly string[];
  /** Rules of a VirtualService that none of the calls is meant by, for those that read one. */
  readonly rules?: number;
}

/** In PEM. */
export interface TlsIdentity {
  readonly cert: string;
  readonly key: string;
}

export interface Command {
  readonly command: string;
  readonly args: readonly string[];
}

export interface Subject {
  /** Prints its version. */
  readonly version: Command;
  /** Writes what it needs into the folder of `setup` and says how to start it, logs off. */
  command(setup: SubjectSetup): Command;
}

/** Callers' connections that a subject must take at once: what the memory of idle connections is measured with. */
export const MOST_CONNECTIONS = 12_000;

export const certFile = (folder: string): string => join(folder, 'cert.pem');
export const keyFile = (folder: string): string => join(folder, 'key.pem');
