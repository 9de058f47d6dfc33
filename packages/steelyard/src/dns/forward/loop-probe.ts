import type { Logger } from '../../log.ts';
import type { Query } from '../answer/responder.ts';
import { parseQuery, type Question } from '../message/parse-query.ts';
import { FLAG_RECURSION_DESIRED } from '../message/protocol.ts';
import { encodeName } from '../message/records.ts';

export interface LoopProbeOptions {
  readonly now: () => number;
  readonly log: Logger;
  readonly loopLabel: string;
  readonly onLoop?: () => void;
  readonly ask: (query: Query, message: Buffer) => void;
}

/** Once, with the first query that is forwarded, then again and again while there is a loop. */
const AGAIN_MS = 5000;
/** A loop is believed in until so long after the probe was seen last. */
const BELIEVED_MS = 12_000;
/** CoreDNS's plugin/loop asks for this type as well: nobody else does. */
const HINFO = 13;

/**
 * Finds out whether what we forward comes back to us, as when the node's resolv.conf names this very server: a question
 * that nobody else would ask is sent to the upstreams. Without this each query would go round until it timed out.
 */
export class LoopProbe {
  readonly #options: LoopProbeOptions;
  readonly #name: string;
  #seenMs = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;
  #started = false;
  #believed = false;

  constructor(options: LoopProbeOptions) {
    this.#options = options;
    // RFC 6761 §6.4: no resolver has to ask anybody about `invalid`.
    this.#name = `${options.loopLabel}.steelyard-loop.invalid`;
  }

  get found(): boolean {
    if (!this.#believed) return false;
    this.#believed = this.#options.now() - this.#seenMs < BELIEVED_MS;
    if (!this.#believed) this.#options.log.info('queries do not come back any more: forwarding goes on');
    return this.#believed;
  }

  /** Looks whether a query that is to be forwarded is our probe. */
  see({ name, type }: Question): void {
    if (!this.#started) {
      this.#started = true;
      this.#timer = setTimeout(() => this.#send(), 0).unref();
    }
    if (type !== HINFO || name !== this.#name) return;
    this.looped();
    this.#options.onLoop?.();
  }

  looped(): void {
    const { log, now } = this.#options;
    this.#seenMs = now();
    if (this.#believed) return;
    this.#believed = true;
    log.error('what is forwarded comes back: an upstream asks this server; nothing is forwarded until that ends');
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#send(), AGAIN_MS).unref();
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  #send(): void {
    const header = Buffer.alloc(12);
    header.writeUInt16BE(FLAG_RECURSION_DESIRED, 2);
    header.writeUInt16BE(1, 4);
    const message = Buffer.concat([header, encodeName(this.#name), Buffer.of(0, HINFO, 0, 1)]);
    const query = parseQuery(message);
    if (query.kind === 'query') this.#options.ask(query, message);
    if (this.found) this.#timer = setTimeout(() => this.#send(), AGAIN_MS).unref();
  }
}
