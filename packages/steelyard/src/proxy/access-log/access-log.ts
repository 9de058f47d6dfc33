import type { Field, HeaderBlock } from '@steelyard/http2';
import type { Random } from '@steelyard/core/balance';
import type { Call } from '../calls/call.ts';
import { GRPC_STATUS_NAMES } from '@steelyard/core/model';

/** Which calls get a line. */
export type AccessLogSelection =
  | { readonly kind: 'all' }
  /** Those that do not end with OK. */
  | { readonly kind: 'errors' }
  /** A random share of all, 0 to 1. */
  | { readonly kind: 'sample'; readonly share: number };

export interface AccessLogOptions {
  readonly selection: AccessLogSelection;
  /** Takes whole lines, many at a time. */
  readonly write: (lines: string) => void;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly random: Random;
}

/** Lines are handed on when there are this many characters of them, or at the end of {@link WAIT_MS}. */
const BATCH_LENGTH = 32_768;
const WAIT_MS = 100;

/** Fields of the request that make it into the line, under these names. */
const LOGGED_FIELDS: ReadonlyMap<string, string> = new Map([
  ['user-agent', 'userAgent'],
  ['x-request-id', 'requestId'],
  ['traceparent', 'traceparent'],
]);

/** What a caller puts into a field is cut here. */
const LONGEST_VALUE = 1024;

/** One JSON object a line for the calls that were selected, written in batches. */
export class AccessLog {
  readonly #options: AccessLogOptions;
  #lines = '';
  #timer: NodeJS.Timeout | undefined = undefined;

  constructor(options: AccessLogOptions) {
    this.#options = options;
  }

  /** The entry of a call that begins; `undefined` when it is not to be logged whatever becomes of it. */
  begin(block: HeaderBlock, peer: string): AccessEntry | undefined {
    const { selection, random } = this.#options;
    if (selection.kind === 'sample' && random() >= selection.share) return undefined;
    return new AccessEntry(this, selection.kind === 'errors', this.#options.now(), block, peer);
  }

  write(line: string): void {
    this.#lines += line;
    if (this.#lines.length >= BATCH_LENGTH) this.flush();
    else this.#timer ??= setTimeout(() => this.flush(), WAIT_MS).unref();
  }

  /** Hands on what has come together so far. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#lines === '') return;
    const lines = this.#lines;
    this.#lines = '';
    this.#options.write(lines);
  }
}

/** A call's line while the call is under way. */
export class AccessEntry {
  readonly #log: AccessLog;
  readonly #errorsOnly: boolean;
  readonly #startedAt: number;
  readonly #peer: string;
  readonly #path: string;
  readonly #authority: string;
  readonly #fields: Record<string, string> = {};
  #attempts = 0;
  #endpoint: string | undefined = undefined;
  #cluster: string | undefined = undefined;

  constructor(log: AccessLog, errorsOnly: boolean, startedAt: number, block: HeaderBlock, peer: string) {
    this.#log = log;
    this.#errorsOnly = errorsOnly;
    this.#startedAt = startedAt;
    this.#peer = peer;
    this.#path = valueOf(block.path);
    this.#authority = valueOf(block.authority ?? block.host);
    for (let i = 0; i < block.count; i++) {
      const field = block.fields[i];
      const key = field && LOGGED_FIELDS.get(field.name.text);
      if (field !== undefined && key !== undefined) this.#fields[key] = valueOf(field);
    }
  }

  attempt(endpoint: string, cluster: string): void {
    this.#attempts++;
    this.#endpoint = endpoint;
    this.#cluster = cluster;
  }

  end(call: Call, status: number, us: number, detail: string): void {
    if (this.#errorsOnly && status === 0) return;
    const line = JSON.stringify({
      time: new Date(this.#startedAt).toISOString(),
      path: this.#path,
      authority: this.#authority,
      peer: this.#peer,
      status: GRPC_STATUS_NAMES[status] ?? 'UNKNOWN',
      durationMs: Math.round(us) / 1000,
      cluster: this.#cluster,
      endpoint: this.#endpoint,
      attempts: this.#attempts,
      requestBytes: call.requestOctets,
      responseBytes: call.responseOctets,
      ...(detail === '' ? {} : { detail }),
      ...this.#fields,
    });
    this.#log.write(`${line}\n`);
  }
}

function valueOf(field: Field | undefined): string {
  const text = field?.text ?? '';
  return text.length > LONGEST_VALUE ? `${text.slice(0, LONGEST_VALUE)}…` : text;
}
