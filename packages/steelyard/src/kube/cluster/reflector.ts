import type { Random } from '@steelyard/core/balance';
import type { Logger } from '../../log.ts';
import { ApiFailure, type ApiTransport } from '../api/api-transport.ts';
import { Backoff } from './backoff.ts';
import type { Clock } from './clock.ts';
import { isServed } from './is-served.ts';
import type { KindCounts, KindPhase, KindStatus } from './kind-status.ts';
import { NameStore } from './name-store.ts';
import { type ObjectStore, ParsedObjectStore, type Replacement } from './object-store.ts';
import { PodStore } from './pod-store.ts';
import { isExpired, isTooLargeVersion, readList } from './read-list.ts';
import { readWatch } from './read-watch.ts';
import type { ReflectorTimes } from './reflector-times.ts';
import type { ResourceKind } from './resource-kind.ts';
import { resourceName } from './resource-kind.ts';
import type { ReturnWatch } from './return-watch.ts';
import { requestResource, type ResourceStream, Silence } from './resource-request.ts';

export interface ReflectorOptions {
  readonly resource: ResourceKind;
  readonly transport: ApiTransport;
  readonly clock: Clock;
  readonly random: Random;
  readonly times: ReflectorTimes;
  readonly log: Logger;
  /** Shared by all kinds. */
  readonly returns: ReturnWatch;
  /** An object as an event brought it, after the first list. */
  readonly onEvent?: (value: unknown) => void;
  /** Objects came, went or changed; many may have in one call. */
  readonly onChange: () => void;
  /** The phase is another one, or the first list has come. */
  readonly onPhase: () => void;
}

/** A WatchList was refused in whatever way: the ordinary list is asked for instead. */
class WatchListRefused extends Error {
  override readonly name = 'WatchListRefused';
}

/** After so many 404s in a row a kind that was there is believed to be gone: an aggregated API may only be restarting. */
const ABSENT_AFTER = 3;

/**
 * Keeps a copy of all objects of one kind, and never stops: what client-go's reflector does (v0.36,
 * tools/cache/reflector.go). First a WatchList (KEP-3157), or where that is refused a list and a watch from its version;
 * a watch that ends goes on from the last version seen; only when that is no longer known (410) a new list is made, which
 * replaces the old one in one step. Whatever happens, the last state stays in force.
 */
export class Reflector {
  readonly store: ObjectStore;
  readonly #options: ReflectorOptions;
  readonly #stop = new AbortController();
  readonly #refused: Backoff;
  readonly #lost: Backoff;

  #phase: KindPhase = 'syncing';
  #synced = false;
  #trouble: string | undefined;
  #heardAt: number | undefined;
  readonly #counts = { events: 0, lists: 0, watches: 0, expired: 0, failures: 0 };

  /** The next thing to do: get everything anew, or go on from `#resourceVersion`. */
  #next: 'watch-list' | 'list' | 'watch' = 'watch-list';
  #resourceVersion = '';
  /** The last version cannot be had: the next list takes the newest, whatever it costs the API server. */
  #versionUnavailable = false;
  #paged = true;
  #versionIndex = 0;
  #absentSeen = 0;

  constructor(options: ReflectorOptions) {
    this.#options = options;
    const { resource, onChange } = options;
    this.store = createStore(resource, onChange);
    this.#refused = new Backoff(options.times.refused, options.random);
    this.#lost = new Backoff(options.times.lost, options.random);
  }

  /** Nothing more is to be waited for before what there is may be used. */
  get settled(): boolean {
    if (this.#synced || this.#phase === 'absent') return true;
    return this.#phase === 'forbidden' && !this.#options.resource.required;
  }

  status(): KindStatus {
    const { clock, resource } = this.#options;
    return {
      kind: resource.kind,
      phase: this.#phase,
      synced: this.#synced,
      objects: this.store.size,
      resourceVersion: this.#resourceVersion,
      ageMs: this.#heardAt === undefined ? undefined : clock.now() - this.#heardAt,
      ...(this.#trouble !== undefined && { trouble: this.#trouble }),
      counts: { ...this.#counts } satisfies KindCounts,
    };
  }

  /** Runs until `stop`; never rejects. */
  async run(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      const doing = this.#next;
      try {
        if (doing === 'watch-list') await this.#watchList();
        else if (doing === 'list') await this.#list();
        else await this.#watch();
      } catch (error) {
        if (signal.aborted) return;
        await this.#options.returns.wait(this.#judge(error, doing), signal);
        if (this.#phase === 'absent') await this.#untilServed();
      }
    }
  }

  /** A kind that is not installed is looked for in the discovery documents, not by asking for its objects. */
  async #untilServed(): Promise<void> {
    const { transport, clock, resource, returns, times } = this.#options;
    const { signal } = this.#stop;
    while (!signal.aborted) {
      const request = { transport, clock, resource, timeoutMs: times.answerMs, signal };
      // Where discovery says nothing, its objects are asked for after all.
      if ((await isServed(request)) !== false) return;
      await returns.wait(this.#absentDelay(), signal);
    }
  }

  #absentDelay(): number {
    const { times, random } = this.#options;
    return times.absentMs * (0.5 + random() / 2);
  }

  stop(): void {
    this.#stop.abort();
  }

  /** One stream for what there is and for what comes later. */
  async #watchList(): Promise<void> {
    const replacement = this.store.replacement();
    let stream: ResourceStream;
    try {
      stream = await this.#get(this.#watchQuery({ sendInitialEvents: 'true', resourceVersionMatch: 'NotOlderThan' }));
    } catch (error) {
      throw refusesWatchList(error) ? new WatchListRefused('refused', { cause: error }) : error;
    }
    const progress = { initial: true };
    try {
      await this.#follow(stream, replacement, progress);
    } catch (error) {
      if (progress.initial && (error instanceof ApiFailure || error instanceof Silence)) {
        throw new WatchListRefused('refused inside of the stream', { cause: error });
      }
      throw error;
    }
    if (progress.initial) throw new WatchListRefused('ended before all was sent');
  }

  async #list(): Promise<void> {
    const replacement = this.store.replacement();
    this.#counts.lists++;
    const plan = {
      resourceVersion: this.#versionUnavailable ? '' : this.#resourceVersion === '' ? '0' : this.#resourceVersion,
      paged: this.#paged,
    };
    const resourceVersion = await readList(plan, (query) => this.#get(query), replacement, this.#version);
    this.#complete(replacement, resourceVersion);
    this.#next = 'watch';
  }

  async #watch(): Promise<void> {
    const { clock, times } = this.#options;
    const startedAt = clock.now();
    const events = this.#counts.events;
    const stream = await this.#get(this.#watchQuery({}));
    await this.#follow(stream, undefined, { initial: false });
    if (clock.now() - startedAt < times.shortWatchMs && events === this.#counts.events) {
      throw new Error('the watch was ended as soon as it began');
    }
  }

  #watchQuery(more: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
    const { random, times } = this.#options;
    this.#counts.watches++;
    return {
      watch: 'true',
      allowWatchBookmarks: 'true',
      timeoutSeconds: String(Math.ceil((times.watchMs * (1 + random())) / 1000)),
      ...(!this.#versionUnavailable && { resourceVersion: this.#resourceVersion }),
      ...more,
    };
  }

  /** Reads a watch's events into the store; the initial ones into a replacement, until they are all there. */
  async #follow(
    stream: ResourceStream,
    replacement: Replacement | undefined,
    progress: { initial: boolean },
  ): Promise<void> {
    if (!progress.initial) this.#well();
    let initial = replacement;
    await readWatch(stream, {
      set: (identity, value) => {
        this.#heard();
        this.#counts.events++;
        if (initial !== undefined) {
          initial.add(identity, value, this.#version);
          return;
        }
        this.#options.onEvent?.(value);
        this.store.set(identity, value, this.#version);
        this.#resourceVersion = identity.resourceVersion;
      },
      deleted: (identity) => {
        this.#heard();
        this.#counts.events++;
        if (initial !== undefined) {
          initial.delete(identity);
          return;
        }
        this.store.delete(identity);
        this.#resourceVersion = identity.resourceVersion;
      },
      bookmark: (resourceVersion, initialEnd) => {
        this.#heard();
        if (initial === undefined) this.#resourceVersion = resourceVersion;
        else if (initialEnd) {
          this.#complete(initial, resourceVersion);
          initial = undefined;
          progress.initial = false;
          this.#next = 'watch';
        }
      },
    });
  }

  /** Something came: whatever was the matter is over. */
  #heard(): void {
    this.#heardAt = this.#options.clock.now();
    this.#refused.reset();
    this.#lost.reset();
  }

  #complete(replacement: Replacement, resourceVersion: string): void {
    this.#heard();
    this.#resourceVersion = resourceVersion;
    this.#versionUnavailable = false;
    this.#paged = true;
    const first = !this.#synced;
    this.#synced = true;
    replacement.commit();
    if (!this.#well() && first) this.#options.onPhase();
  }

  /** Returns whether that is news. */
  #well(): boolean {
    this.#heardAt = this.#options.clock.now();
    this.#absentSeen = 0;
    const news = this.#phase !== 'watching';
    if (news) this.#enter('watching', undefined);
    return news;
  }

  get #version(): string {
    return this.#options.resource.versions[this.#versionIndex] ?? '';
  }

  #get(query: Readonly<Record<string, string>>): Promise<ResourceStream> {
    const { transport, clock, resource, times } = this.#options;
    const { answerMs, silentMs } = times;
    return requestResource({
      transport,
      clock,
      resource,
      version: this.#version,
      query,
      signal: this.#stop.signal,
      answerMs,
      silentMs,
    });
  }

  /** What to do after a failure: sets `#next` and returns for how long to wait before, in milliseconds. */
  #judge(error: unknown, doing: 'watch-list' | 'list' | 'watch'): number {
    const now = this.#options.clock.now();
    if (error instanceof WatchListRefused) {
      this.#options.log.debug(`${this.#label}: no WatchList: ${messageOf(error.cause ?? error)}`);
      this.#next = 'list';
      return 0;
    }
    this.#counts.failures++;
    // A list that fails is begun again from the better way.
    if (doing === 'list') this.#next = 'watch-list';
    if (isExpired(error) || isTooLargeVersion(error)) {
      this.#counts.expired++;
      // A version that is gone, be it ours or a page's, is not asked for a second time.
      this.#versionUnavailable = true;
      this.#paged = doing !== 'list';
      this.#next = doing === 'list' ? 'list' : 'watch-list';
      return doing === 'watch' ? 0 : this.#refused.delay(now);
    }
    if (error instanceof ApiFailure) return this.#judgeRefusal(error, doing, now);
    this.#enter('retrying', messageOf(error));
    // Half-open, silent or broken: there is nobody to be spared, and a new connection is tried soon.
    return this.#lost.delay(now);
  }

  #judgeRefusal(error: ApiFailure, doing: 'watch-list' | 'list' | 'watch', now: number): number {
    const { times, resource, random } = this.#options;
    if (error.status === 404) return this.#judgeAbsence(now);
    if (error.status === 403) {
      const verb = doing === 'list' ? 'list' : 'watch';
      this.#enter('forbidden', `may not ${verb} ${resourceName(resource)}: grant it (${error.message})`);
      // Rights that were there and went are most likely to come back: an API server that starts has none at first.
      return this.#synced ? this.#lost.delay(now) : Math.max(this.#refused.delay(now), resource.required ? 0 : 5000);
    }
    this.#enter('retrying', error.message);
    if (error.retryAfterMs !== undefined) return error.retryAfterMs * (1 + random() * times.lost.jitter);
    // A token that ran out is renewed by others; and to go on from a version costs the API server next to nothing.
    if (doing === 'watch' || (error.status === 401 && this.#synced)) return this.#lost.delay(now);
    return this.#refused.delay(now);
  }

  #judgeAbsence(now: number): number {
    const { resource } = this.#options;
    this.#next = 'watch-list';
    this.#versionIndex = (this.#versionIndex + 1) % resource.versions.length;
    if (this.#versionIndex !== 0) return 0;
    if (resource.required) {
      this.#enter('retrying', `the API server does not serve ${resourceName(resource)}`);
      return this.#refused.delay(now);
    }
    this.#absentSeen++;
    if (this.#synced && this.#absentSeen < ABSENT_AFTER) {
      this.#enter('retrying', `the API server does not serve ${resourceName(resource)} any more`);
      return this.#refused.delay(now);
    }
    // Its objects went with its definition.
    this.store.replacement().commit();
    this.#resourceVersion = '';
    this.#enter('absent', undefined);
    return this.#absentDelay();
  }

  #enter(phase: KindPhase, trouble: string | undefined): void {
    const before = this.#phase;
    const same = before === phase && this.#trouble === trouble;
    this.#phase = phase;
    this.#trouble = trouble;
    if (same) return;
    const { log } = this.#options;
    if (trouble !== undefined && before !== phase) log.warn(`${this.#label}: ${trouble}`);
    else if (phase === 'watching' && before !== 'syncing') log.info(`${this.#label}: up to date again`);
    else if (phase === 'absent') log.info(`${this.#label}: not installed; looked for every now and then`);
    this.#options.onPhase();
  }

  get #label(): string {
    return resourceName(this.#options.resource);
  }
}

function createStore(resource: ResourceKind, onChange: () => void): ObjectStore {
  if (resource.kind === 'Namespace') return new NameStore();
  return resource.kind === 'Pod' ? new PodStore(onChange) : new ParsedObjectStore(resource, onChange);
}

/** Whatever an older, a differently configured or a broken API server says to a WatchList; not what it says to everything. */
function refusesWatchList(error: unknown): boolean {
  if (!(error instanceof ApiFailure)) return false;
  return ![401, 403, 404, 410, 429].includes(error.status) && !isTooLargeVersion(error);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
