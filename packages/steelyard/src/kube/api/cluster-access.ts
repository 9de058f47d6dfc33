/** What a TLS connection to the API server needs besides its address. PEM. */
export interface TlsMaterial {
  readonly cert?: string | Buffer;
  readonly key?: string | Buffer;
}

/** Who we are to the API server. Both may change with time: tokens rotate, plugins' credentials run out. */
export interface Credentials {
  /** Headers of the next request. @throws ClusterError `CREDENTIALS_FAILED` */
  headers(): Promise<Readonly<Record<string, string>>>;
  /** For the next connection. @throws ClusterError `CREDENTIALS_FAILED` */
  tls(): Promise<TlsMaterial>;
  /** The API server took them for invalid: get new ones if there can be any. */
  invalidate(): void;
}

/** Where the API server is, how to know it, and who we are. */
export interface ClusterAccess {
  /** `https://HOST:PORT` or `http://…`, with a path where it lies behind one; no slash at the end. */
  readonly server: string;
  /** PEM. Node's own authorities where absent. */
  readonly ca?: string | Buffer;
  readonly tlsServerName?: string;
  readonly insecureSkipTlsVerify: boolean;
  /** By way of which it is reached: `http:`, `https:` or `socks5:`. */
  readonly proxy?: URL;
  readonly credentials: Credentials;
}
