import type { Random } from '@steelyard/core/balance';
import type { Clock } from '../clock.ts';
import type { ApiClient } from './api-client.ts';
import { ApiError } from './api-client.ts';
import { field, listField, textField } from './json.ts';

export interface ReflectorOptions {
  readonly api: ApiClient;
  /** Of the list: `/api/v1/namespaces/default/services`. */
  readonly path: string;
  /** `labelSelector=…` or `fieldSelector=…`, encoded. */
  readonly selector: string;
  /** The whole list, after every change, by name. */
  readonly onObjects: (objects: ReadonlyMap<string, unknown>) => void;
  /** Something was heard of the server. */
  readonly onAlive: () => void;
  /** The list or the watch has failed; it goes on. */
  readonly onError: (error: unknown) => void;
  readonly clock: Clock;
  readonly random: Random;
}

/** How long the server is asked to hold a watch: a little different for each, so that they do not all come again at once. */
const WATCH_SECONDS = 240;
const WATCH_SPREAD_SECONDS = 60;
const GRACE_MS = 15_000;
const FIRST_RETRY_MS = 500;
const MAX_RETRY_MS = 30_000;
/** A watch that ends sooner counts as a failure: asking again at once would never stop. */
const SHORT_WATCH_MS = 1000;

/**
 * Keeps a copy of a list of the API server: lists once, watches from there, lists again when the server has forgotten where
 * that was (410 Gone). When the server is gone the copy stays, and the watch goes on from where it was once it is back.
 * (Kubernetes API concepts, "Efficient detection of changes".)
 */
export class Reflector {
  readonly #options: ReflectorOptions;
  readonly #abort = new AbortController();
  #objects = new Map<string, unknown>();
  /** Undefined while there is none to go on from. */
  #version: string | undefined;
  #gone = false;
  #failures = 0;
  #wake: () => void = () => undefined;

  constructor(options: ReflectorOptions) {
    this.#options = options;
  }

  start(): void {
    void this.#run();
  }

  stop(): void {
    this.#abort.abort();
    this.#wake();
  }

  async #run(): Promise<void> {
    const { signal } = this.#abort;
    while (!signal.aborted) {
      const startedAt = this.#options.clock.now();
      try {
        if (this.#version === undefined) await this.#list(signal);
        await this.#watch(signal);
        if (this.#options.clock.now() - startedAt >= SHORT_WATCH_MS) {
          this.#failures = 0;
          continue;
        }
      } catch (error) {
        if (signal.aborted) return;
        if (isGone(error)) {
          this.#version = undefined;
          this.#gone = true;
        } else this.#options.onError(error);
      }
      this.#failures++;
      await this.#pause();
    }
  }

  async #list(signal: AbortSignal): Promise<void> {
    const { api, path, selector } = this.#options;
    // The first list may come from the server's cache; after a 410 that could be older than what is known already.
    const answer = await api.get(`${path}?${selector}${this.#gone ? '' : '&resourceVersion=0'}`, signal);
    const version = textField(answer, 'metadata', 'resourceVersion');
    if (version === undefined) throw new Error('the list has no resourceVersion');
    // Items of a list say neither kind nor apiVersion; the list does.
    const kind = textField(answer, 'kind')?.replace(/List$/, '');
    const apiVersion = textField(answer, 'apiVersion');
    this.#objects = new Map();
    for (const item of listField(answer, 'items')) {
      const name = textField(item, 'metadata', 'name');
      if (name !== undefined && typeof item === 'object') this.#objects.set(name, { kind, apiVersion, ...item });
    }
    this.#version = version;
    this.#failures = 0;
    this.#options.onObjects(this.#objects);
  }

  async #watch(signal: AbortSignal): Promise<void> {
    const { api, path, selector, random } = this.#options;
    const seconds = WATCH_SECONDS + Math.floor(random() * WATCH_SPREAD_SECONDS);
    const query = `watch=true&allowWatchBookmarks=true&resourceVersion=${this.#version ?? ''}&timeoutSeconds=${seconds}`;
    await api.watch(`${path}?${selector}&${query}`, (event) => this.#take(event), seconds * 1000 + GRACE_MS, signal);
  }

  #take(event: unknown): void {
    if (this.#abort.signal.aborted) return;
    this.#options.onAlive();
    const object = field(event, 'object');
    const type = textField(event, 'type');
    if (type === 'ERROR') {
      throw new ApiError(Number(field(object, 'code') ?? 500), textField(object, 'message') ?? 'the watch has failed');
    }
    this.#version = textField(object, 'metadata', 'resourceVersion') ?? this.#version;
    const name = textField(object, 'metadata', 'name');
    if (type === 'BOOKMARK' || name === undefined) return;
    if (type === 'DELETED') this.#objects.delete(name);
    else this.#objects.set(name, object);
    this.#failures = 0;
    this.#options.onObjects(this.#objects);
  }

  #pause(): Promise<void> {
    const { clock, random } = this.#options;
    const delayMs = Math.min(FIRST_RETRY_MS * 2 ** Math.min(this.#failures - 1, 20), MAX_RETRY_MS);
    return new Promise((resolve) => {
      const cancel = clock.setTimer(resolve, delayMs * (0.8 + 0.4 * random()));
      this.#wake = () => {
        cancel();
        resolve();
      };
    });
  }
}

function isGone(error: unknown): boolean {
  return error instanceof ApiError && error.status === 410;
}
