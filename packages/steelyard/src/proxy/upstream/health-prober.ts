import type { ActiveHealthCheck } from '@steelyard/core/model';
import { createField, ErrorCode, HeaderBlock, type Stream } from '@steelyard/http2';
import type { Deadline, Due } from '../calls/deadline-wheel.ts';
import type { Exchange, PodLink, StreamReset } from '../calls/exchange.ts';
import type { Engine } from '../transport/engine.ts';
import { parseServingStatus, renderHealthRequest } from './health-messages.ts';
import type { UpstreamEndpoint } from './upstream-endpoint.ts';

/** Checks of many endpoints, and of many proxies, must not fall into step: ± a tenth of the interval. */
const JITTER = 0.1;

/** No answer of a Check is longer. */
const LONGEST_ANSWER = 1024;

const UNIMPLEMENTED = 12;

/** What a check has found. `why` is empty for one that passed. */
export interface ProbeResult {
  readonly passed: boolean;
  readonly why: string;
}

/** Who is checked, and how. */
export interface ProbeTarget {
  readonly endpoint: UpstreamEndpoint;
  readonly check: ActiveHealthCheck;
  /** `host:port` of the cluster, as calls have it. */
  readonly authority: string;
}

/**
 * Asks an endpoint for its health by `grpc.health.v1.Health/Check`, on the connection that calls go by, so that this one is
 * checked too. It is begun by ticks: intervals are exact to a second.
 *
 * A pod without that service counts as healthy, as gRPC's clients take it (gRFC A17); to Envoy it is unhealthy.
 */
export class HealthProber implements Exchange, Due {
  readonly #target: ProbeTarget;
  readonly #engine: Engine;
  readonly #onResult: (result: ProbeResult) => void;
  readonly #message: Uint8Array;
  #nextAt: number;
  #stop: (() => void) | undefined = undefined;
  #timer: Deadline<Due> | undefined = undefined;
  #answer = Buffer.alloc(0);

  constructor(target: ProbeTarget, engine: Engine, onResult: (result: ProbeResult) => void) {
    this.#target = target;
    this.#engine = engine;
    this.#onResult = onResult;
    this.#message = renderHealthRequest(target.check.service);
    this.#nextAt = engine.now() + engine.random() * Math.min(target.check.intervalMs, FIRST_WITHIN_MS);
  }

  tick(now: number): void {
    if (this.#stop !== undefined || now < this.#nextAt) return;
    const { check, endpoint } = this.#target;
    const { random, deadlines } = this.#engine;
    this.#nextAt = now + check.intervalMs * (1 - JITTER + 2 * JITTER * random());
    const connection = endpoint.acquire()?.connection;
    if (connection === undefined) {
      this.#onResult({ passed: false, why: endpoint.refusal() });
      return;
    }
    this.#answer = Buffer.alloc(0);
    this.#timer = deadlines.add(now + check.timeoutMs, this);
    const stream = connection.request(this.#request(), false, this);
    this.#stop = () => connection.reset(stream, ErrorCode.CANCEL);
    connection.sendData(stream, this.#message, 0, this.#message.length, true);
  }

  /** Is not heard of again. */
  close(): void {
    const stop = this.#stop;
    this.#settle();
    stop?.();
  }

  /** The time for the answer is over. */
  due(): void {
    this.close();
    this.#onResult({ passed: false, why: `no answer to a health check within ${this.#target.check.timeoutMs} ms` });
  }

  onHeaders(_link: PodLink, stream: Stream<Exchange>, block: HeaderBlock, endStream: boolean): void {
    if (!stream.headersReceived) return;
    const status = block.status?.text ?? '';
    if (status !== '200') this.#end({ passed: false, why: `a health check was answered with HTTP status ${status}` });
    else if (endStream) this.#judge(block);
  }

  onData(
    link: PodLink,
    stream: Stream<Exchange>,
    bytes: Uint8Array,
    start: number,
    end: number,
    endStream: boolean,
  ): void {
    if (this.#answer.length <= LONGEST_ANSWER) {
      this.#answer = Buffer.concat([this.#answer, bytes.subarray(start, end)]);
    }
    if (endStream) this.#end({ passed: false, why: 'a health check was answered without a gRPC status' });
    else link.connection.consume(stream, end - start);
  }

  onTrailers(_link: PodLink, _stream: Stream<Exchange>, block: HeaderBlock): void {
    this.#judge(block);
  }

  onSent(): void {
    // The request is of a few octets: nobody waits for its credit.
  }

  onReset(_link: PodLink, _stream: Stream<Exchange>, { untouched, unconnected, detail }: StreamReset): void {
    // The pod goes away in good order; what comes next is another connection's to tell.
    if (untouched && !unconnected) this.#settle();
    else this.#end({ passed: false, why: `a health check was broken off${detail === '' ? '' : `: ${detail}`}` });
  }

  #judge({ grpcStatus }: HeaderBlock): void {
    const status = grpcStatus?.text ?? '';
    if (status === String(UNIMPLEMENTED)) {
      this.#end({ passed: true, why: '' });
    } else if (status === '0') {
      const serving = parseServingStatus(this.#answer);
      const passed = serving === 'SERVING';
      this.#end({ passed, why: passed ? '' : `a health check was answered with ${serving}` });
    } else {
      this.#end({ passed: false, why: `a health check was answered with gRPC status ${status || 'of no value'}` });
    }
  }

  #end(result: ProbeResult): void {
    // A pod may say more than was asked for; nobody listens any more.
    if (this.#stop === undefined) return;
    this.close();
    this.#onResult(result);
  }

  #settle(): void {
    this.#stop = undefined;
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #request(): HeaderBlock {
    const { authority, check } = this.#target;
    return HeaderBlock.of([
      ...PSEUDO,
      createField(':authority', authority, 'constant'),
      ...REGULAR,
      createField('grpc-timeout', `${Math.min(check.timeoutMs, MOST_TIMEOUT)}m`, 'constant'),
    ]);
  }
}

/** The first checks come soon, however long the interval. */
const FIRST_WITHIN_MS = 1000;

/** PROTOCOL-HTTP2.md: at most eight digits. */
const MOST_TIMEOUT = 99_999_999;

const PSEUDO = [
  createField(':method', 'POST', 'constant'),
  createField(':scheme', 'http', 'constant'),
  createField(':path', '/grpc.health.v1.Health/Check', 'constant'),
];
const REGULAR = [
  createField('content-type', 'application/grpc', 'constant'),
  createField('te', 'trailers', 'constant'),
  createField('user-agent', 'steelyard', 'constant'),
];
