import type { FakeObject } from './fake-api-server-store.ts';

/** An API server, real or not, as the compliance suite drives it. */
export interface ApiServerUnderTest {
  /** TLS on the loopback address. */
  readonly port: number;
  /** PEM, or `undefined` where it is not to be checked. */
  readonly ca: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
  put(object: FakeObject): Promise<void>;
  delete(object: FakeObject): Promise<void>;
  /** Makes the kinds of Istio known. */
  installIstio(): Promise<void>;
  /** Takes away, and gives back, the right to read of the account that `headers` are of. */
  revoke(): Promise<void>;
  grant(): Promise<void>;
  /** Its storage goes away and comes back with what was written. */
  restartStorage(): Promise<void>;
  /** Forgets the history. */
  compact(): Promise<void>;
  stop(): Promise<void>;
  start(): Promise<void>;
  close(): Promise<void>;
}
