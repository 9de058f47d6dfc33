import type { ServiceEntry, Snapshot } from '@steelyard/core/model';
import { isWireName } from './records.ts';
import { isReverseName, ReverseZone } from './reverse-zone.ts';
import type { ServiceNames } from './service-names.ts';
import { serviceNames } from './service-names.ts';
import type { NameRecords } from './service-records.ts';

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
  readonly #names = new Map<string, NameRecords>();
  readonly #portNames = new Map<string, NameRecords>();
  readonly #reverse = new ReverseZone();
  readonly #services = new Map<string, { readonly entry: ServiceEntry; readonly said: ServiceNames }>();
  /** How many Services there are in a namespace. */
  readonly #namespaces = new Map<string, number>();
  #serial = 0;

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

  update(snapshot: Pick<Snapshot, 'services' | 'version'>): void {
    this.#serial = snapshot.version >>> 0;
    for (const [key, { entry }] of this.#services) {
      if (snapshot.services.get(key) !== entry) this.#remove(key);
    }
    for (const [key, entry] of snapshot.services) {
      if (!this.#services.has(key)) this.#add(key, entry);
    }
  }

  /** `name` in lower case, without trailing dot. */
  lookup(name: string): Lookup {
    const known = this.#names.get(name);
    if (known !== undefined) return known;
    if (name === this.name) return { kind: 'apex' };
    if (!name.endsWith(this.#suffix)) {
      return isReverseName(name) ? { kind: 'pointers', targets: this.#reverse.lookup(name) } : { kind: 'elsewhere' };
    }
    // CoreDNS takes them without underscores too, and so it can be one look.
    const port = this.#portNames.get(name.replace(/^_?([^.]*)\._?/, '$1.'));
    if (port !== undefined) return port;
    const relative = name.slice(0, -this.#suffix.length);
    if (relative === 'dns-version') return { kind: 'version' };
    const namespace = relative.endsWith('.svc') ? relative.slice(0, -'.svc'.length) : undefined;
    const exists = relative === 'svc' || (namespace !== undefined && this.#namespaces.has(namespace));
    return { kind: exists ? 'empty' : 'missing' };
  }

  #add(key: string, entry: ServiceEntry): void {
    const said = serviceNames(entry, `svc.${this.name}`, this.ttlSeconds);
    for (const [name, records] of said.names) this.#names.set(name, records);
    for (const [name, records] of said.portNames) this.#portNames.set(name, records);
    this.#reverse.add(said.reverse);
    this.#services.set(key, { entry, said });
    const { namespace } = entry.service;
    this.#namespaces.set(namespace, (this.#namespaces.get(namespace) ?? 0) + 1);
  }

  #remove(key: string): void {
    const known = this.#services.get(key);
    if (known === undefined) return;
    this.#services.delete(key);
    for (const name of known.said.names.keys()) this.#names.delete(name);
    for (const name of known.said.portNames.keys()) this.#portNames.delete(name);
    this.#reverse.remove(known.said.reverse);
    const { namespace } = known.entry.service;
    const left = (this.#namespaces.get(namespace) ?? 0) - 1;
    if (left > 0) this.#namespaces.set(namespace, left);
    else this.#namespaces.delete(namespace);
  }
}
