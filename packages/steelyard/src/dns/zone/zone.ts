import type { ServiceEntry, Snapshot } from '@steelyard/core/model';
import { isWireName } from '../message/records.ts';
import { isReverseName, ReverseZone, targetsOf } from './reverse-zone.ts';
import type { ServiceNames } from './service-names.ts';
import { reverseAddresses, serviceNames } from './service-names.ts';
import type { Validity } from './validity.ts';
import type { NameRecords } from './service-records.ts';
import { narrowToZone, parseZonalName } from './zonal-name.ts';

/** What is to be said about a name. */
export type Lookup =
  | NameRecords
  /** The name itself has no records, but there are names below it. */
  | { readonly kind: 'empty' }
  /** The zone's own name. */
  | { readonly kind: 'apex' }
  /** `dns-version.ZONE` (specification §2.2). */
  | { readonly kind: 'version' }
  /** A reverse name. Without a target there is no such name. */
  | { readonly kind: 'pointers'; readonly targets: readonly string[] }
  | { readonly kind: 'missing' }
  /** Not ours to say. */
  | { readonly kind: 'elsewhere' };

/** What differs from the Snapshot before. Services are named as in `Snapshot.services`. */
export interface ZoneChange {
  readonly version: number;
  readonly removed: readonly string[];
  readonly set: readonly (readonly [key: string, entry: ServiceEntry])[];
}

/** Which namespaces there are, as they change. */
export interface NamespaceSource {
  readonly current: ReadonlySet<string>;
  /** Calls `listener` after each change; ended by what is returned. */
  subscribe(listener: () => void): () => void;
}

/**
 * The names of the cluster's zone. `update` takes over a Snapshot; what it costs beyond a comparison per Service is in
 * the Services that changed.
 */
export class Zone {
  /** In lower case, without trailing dot. */
  readonly name: string;
  /** Of every record, negative answers included. */
  readonly ttlSeconds: number;
  readonly #suffix: string;
  readonly #reverse = new ReverseZone();
  readonly #services = new Map<string, KnownService>();
  /** How many Services there are in a namespace. */
  readonly #namespaces = new Map<string, number>();
  /** Those that exist as objects, with or without Services. */
  #declared: ReadonlySet<string> = new Set();
  #serial = 0;
  #validity: Validity = { current: true };

  /** @throws RangeError when `name` is no domain name, or `ttlSeconds` not a whole number from 0 to 3600 */
  constructor(name: string, ttlSeconds: number) {
    this.name = name.toLowerCase().replace(/\.$/, '');
    if (!isWireName(this.name)) throw new RangeError(`zone ${JSON.stringify(name)} is not a domain name`);
    if (!Number.isInteger(ttlSeconds) || ttlSeconds < 0 || ttlSeconds > 3600) {
      throw new RangeError(`the TTL is ${ttlSeconds}; it must be a whole number of seconds from 0 to 3600`);
    }
    this.ttlSeconds = ttlSeconds;
    this.#suffix = `.${this.name}`;
  }

  /** Of the SOA: the version of the Snapshot, in 32 bits. */
  get serial(): number {
    return this.#serial;
  }

  /** Of everything that is not one Service's alone, as that a name is missing. */
  get validity(): Validity {
    return this.#validity;
  }

  update({ services, version }: Pick<Snapshot, 'services' | 'version'>): void {
    const removed: string[] = [];
    for (const key of this.#services.keys()) if (!services.has(key)) removed.push(key);
    const set: (readonly [string, ServiceEntry])[] = [];
    for (const [key, entry] of services) if (this.#services.get(key)?.entry !== entry) set.push([key, entry]);
    this.apply({ version, removed, set });
  }

  /** A namespace without Services exists, too, where it is known. */
  setNamespaces(names: ReadonlySet<string>): void {
    this.#declared = names;
    this.#renew();
  }

  #renew(): void {
    this.#validity.current = false;
    this.#validity = { current: true };
  }

  apply({ version, removed, set }: ZoneChange): void {
    this.#serial = version >>> 0;
    this.#renew();
    for (const key of removed) this.#remove(key);
    for (const [key, entry] of set) {
      this.#remove(key);
      this.#add(key, entry);
    }
  }

  /** `name` in lower case, without trailing dot. */
  lookup(name: string): Lookup {
    if (name === this.name) return { kind: 'apex' };
    if (!name.endsWith(this.#suffix)) {
      return isReverseName(name) ? this.#lookupReverse(name) : { kind: 'elsewhere' };
    }
    const relative = name.slice(0, -this.#suffix.length);
    if (relative === 'dns-version') return { kind: 'version' };
    if (relative === 'svc') return { kind: 'empty' };
    if (!relative.endsWith('.svc')) return { kind: 'missing' };
    return this.#lookupService(name, relative.slice(0, -'.svc'.length));
  }

  /** @param relative the name below `svc.ZONE`: `[…] SERVICE.NAMESPACE`, or a namespace alone */
  #lookupService(name: string, relative: string): Lookup {
    const beforeNamespace = relative.lastIndexOf('.');
    if (beforeNamespace === -1) {
      return { kind: this.#namespaces.has(relative) || this.#declared.has(relative) ? 'empty' : 'missing' };
    }
    const beforeService = relative.lastIndexOf('.', beforeNamespace - 1);
    const service = relative.slice(beforeService + 1, beforeNamespace);
    const known = this.#services.get(`${relative.slice(beforeNamespace + 1)}/${service}`);
    if (known === undefined) return { kind: 'missing' };
    const said = this.#said(known);
    if (beforeService === -1) return said.own ?? { kind: 'missing' };
    if (relative.includes('._zone.')) return this.#lookupZonal(relative);
    // CoreDNS takes ports without underscores too, and so it can be one look.
    const port = (): NameRecords | undefined => said.ports().get(name.replace(/^_?([^.]*)\._?/, '$1.'));
    return said.endpoints().get(name) ?? port() ?? { kind: 'missing' };
  }

  #lookupReverse(name: string): Lookup {
    const pointers = this.#reverse.lookup(name).flatMap((key) => {
      const known = this.#services.get(key);
      return known === undefined ? [] : this.#said(known).pointers();
    });
    return { kind: 'pointers', targets: targetsOf(name, pointers) };
  }

  /** Only of headless Services: a ClusterIP is in no zone. The answer is remembered, this is not. */
  #lookupZonal(relative: string): Lookup {
    const zonal = parseZonalName(relative);
    const known = zonal && this.#services.get(zonal.service);
    if (zonal === undefined || known?.entry.service.headless !== true) return { kind: 'missing' };
    return this.#expand(narrowToZone(known.entry, zonal), known.validity).own ?? { kind: 'empty' };
  }

  #said(known: KnownService): ServiceNames {
    known.said ??= this.#expand(known.entry, known.validity);
    return known.said;
  }

  #expand(entry: ServiceEntry, validity: Validity): ServiceNames {
    return serviceNames(entry, `svc.${this.name}`, this.ttlSeconds, validity);
  }

  #add(key: string, entry: ServiceEntry): void {
    this.#reverse.add(key, reverseAddresses(entry));
    this.#services.set(key, { entry, validity: { current: true }, said: undefined });
    const { namespace } = entry.service;
    this.#namespaces.set(namespace, (this.#namespaces.get(namespace) ?? 0) + 1);
  }

  #remove(key: string): void {
    const known = this.#services.get(key);
    if (known === undefined) return;
    this.#services.delete(key);
    known.validity.current = false;
    this.#reverse.remove(key, reverseAddresses(known.entry));
    const { namespace } = known.entry.service;
    const left = (this.#namespaces.get(namespace) ?? 0) - 1;
    if (left > 0) this.#namespaces.set(namespace, left);
    else this.#namespaces.delete(namespace);
  }
}

interface KnownService {
  readonly entry: ServiceEntry;
  readonly validity: Validity;
  /** Made when somebody asks. */
  said: ServiceNames | undefined;
}
