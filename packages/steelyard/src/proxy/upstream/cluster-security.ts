import type { Cluster, TlsSettings } from '@steelyard/core/model';
import { type ClusterTls, openClusterTls } from '../tls/cluster-tls.ts';
import type { Engine } from '../transport/engine.ts';
import type { UpstreamSecurity } from './connection-plan.ts';

export interface KeyedSecurity {
  readonly security: UpstreamSecurity;
  readonly key: string;
}

/** How connections to clusters are secured: by their DestinationRule `tls`, else as the proxy is told for all of them. */
export class ClusterSecurity {
  readonly #engine: Engine;
  readonly #onChange: () => void;
  readonly #general: KeyedSecurity;
  readonly #known = new Map<string, ClusterTls>();
  /** Plans are asked for by endpoint: the settings' key is made once. */
  readonly #keys = new WeakMap<TlsSettings, Map<string, KeyedSecurity>>();

  /** @param onChange certificates have changed. */
  constructor(engine: Engine, onChange: () => void) {
    this.#engine = engine;
    this.#onChange = onChange;
    const security = {
      get context() {
        return engine.upstreamTls;
      },
      problem: '',
    };
    this.#general = { security, key: '' };
  }

  of({ tls, host }: Pick<Cluster, 'tls' | 'host'>): KeyedSecurity {
    if (tls === undefined) return this.#general;
    if (tls === 'DISABLE') return PLAIN;
    let byHost = this.#keys.get(tls);
    if (byHost === undefined) {
      byHost = new Map();
      this.#keys.set(tls, byHost);
    }
    let keyed = byHost.get(host);
    if (keyed === undefined) {
      const key = JSON.stringify([tls, host]);
      keyed = { key, security: this.#open(key, tls, host) };
      byHost.set(host, keyed);
    }
    return keyed;
  }

  close(): void {
    for (const tls of this.#known.values()) tls.close();
    this.#known.clear();
  }

  #open(key: string, settings: TlsSettings, host: string): ClusterTls {
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const opened = openClusterTls(settings, host, this.#engine.log, this.#onChange);
    this.#known.set(key, opened);
    return opened;
  }
}

const PLAIN: KeyedSecurity = { security: { context: undefined, problem: '' }, key: 'DISABLE' };
