import { createField, HeaderBlock } from '@steelyard/http2';
import type { Call, OwnCall } from '../calls/call.ts';
import { failCall } from '../calls/fail-call.ts';
import { grpcHeader, GrpcStatus } from '../calls/grpc-status.ts';
import { parseHealthRequest } from './parse-health-request.ts';

/** The values of grpc.health.v1.HealthCheckResponse.ServingStatus that are said here. */
const SERVING = 1;
const NOT_SERVING = 2;
const SERVICE_UNKNOWN = 3;

/** A request that names a service is not much longer. */
const LONGEST_REQUEST = 1024;

const PATH = '/grpc.health.v1.Health/';
const METHODS: ReadonlySet<string> = new Set(['Check', 'Watch']);

/** The proxy's answers for itself to grpc.health.v1: SERVING until it is about to leave. */
export class OwnHealth {
  #status = SERVING;
  readonly #watches = new Set<Call>();

  /** @param localAddress where the caller's connection came in: only who names that address means the proxy. */
  isAsked({ path, authority, host }: HeaderBlock, localAddress: string): boolean {
    const { text = '' } = path ?? {};
    if (!text.startsWith(PATH) || !METHODS.has(text.slice(PATH.length))) return false;
    return isAddress((authority ?? host)?.text ?? '', localAddress);
  }

  begin(call: Call, { path }: HeaderBlock): OwnCall {
    const watch = path?.text.endsWith('/Watch') === true;
    let request = Buffer.alloc(0);
    return {
      add(bytes, start, end) {
        // What is beyond the bound is of no interest: it is too long already.
        if (request.length <= LONGEST_REQUEST) request = Buffer.concat([request, bytes.subarray(start, end)]);
      },
      answer: () => this.#answer(call, request, watch),
      ended: () => void this.#watches.delete(call),
    };
  }

  /** From now on NOT_SERVING, and whoever watches hears of it. */
  leave(): void {
    if (this.#status === NOT_SERVING) return;
    this.#status = NOT_SERVING;
    for (const call of this.#watches) say(call, NOT_SERVING);
  }

  #answer(call: Call, request: Uint8Array, watch: boolean): void {
    const service = request.length > LONGEST_REQUEST ? undefined : parseHealthRequest(request);
    if (service === undefined) {
      failCall(call, { status: GrpcStatus.INTERNAL, message: 'the request is no HealthCheckRequest' });
      return;
    }
    if (service !== '' && !watch) {
      failCall(call, { status: GrpcStatus.NOT_FOUND, message: `the proxy has no service "${service}" of its own` });
      return;
    }
    call.responseStarted = true;
    call.downstream.sendHeaders(call.downStream, grpcHeader(), false);
    say(call, service === '' ? this.#status : SERVICE_UNKNOWN);
    if (!watch) {
      call.end(GrpcStatus.OK);
      call.downstream.sendTrailers(call.downStream, STATUS_OK);
    } else if (service === '') this.#watches.add(call);
  }
}

const STATUS_OK = HeaderBlock.of([createField('grpc-status', '0', 'constant')]);

/** One message: not compressed, two octets, field 1 as a varint. */
function say({ downstream, downStream }: Call, status: number): void {
  const message = Uint8Array.of(0, 0, 0, 0, 2, 0x08, status);
  downstream.sendData(downStream, message, 0, message.length, false);
}

const LOOPBACK = /^(?:127\.|::1$)/;

function isAddress(authority: string, localAddress: string): boolean {
  // RFC 3986 §3.2.2: case does not matter.
  const host = authority
    .toLowerCase()
    .replace(/:\d+$/, '')
    .replace(/^\[(.*)\]$/, '$1');
  // Dual-stack sockets write IPv4 addresses so.
  const local = localAddress.replace(/^::ffff:(?=\d+\.)/, '');
  return host === local || (host === 'localhost' && LOOPBACK.test(local));
}
