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
  /** Forgets the history. */
  compact(): Promise<void>;
  stop(): Promise<void>;
  start(): Promise<void>;
  close(): Promise<void>;
}
