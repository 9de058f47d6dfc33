import type { MethodDefinition, ServiceDefinition } from '@grpc/grpc-js';
import { CALL_KINDS, type CallKind } from './call-plan.ts';

/** Messages are plain bytes: what is tested is the way of the bytes, not a codec. */
const identity = (message: Buffer): Buffer => message;

export const METHODS: Readonly<Record<CallKind, MethodDefinition<Buffer, Buffer>>> = {
  unary: method('Unary', false, false),
  'client-stream': method('ClientStream', true, false),
  'server-stream': method('ServerStream', false, true),
  bidi: method('Bidi', true, true),
};

export const SERVICE: ServiceDefinition = Object.fromEntries(CALL_KINDS.map((kind) => [kind, METHODS[kind]]));

/** The metadata keys; what comes with TEXT and BYTES goes back in the headers and in the trailers. */
export const TEXT = 'interop-text';
export const BYTES = 'interop-bytes-bin';
/** The plan, as JSON, that tells the backend what to do. */
export const PLAN = 'interop-plan-bin';
/** In the trailers: hash and count of the messages that arrived. */
export const RECEIVED_HASH = 'interop-received-hash-bin';
export const RECEIVED_COUNT = 'interop-received-count';
/** In place of a plan: `report` is answered with the number of calls that still wait for their cancellation. */
export const COMMAND = 'interop-command';

function method(name: string, requestStream: boolean, responseStream: boolean): MethodDefinition<Buffer, Buffer> {
  return {
    path: `/steelyard.interop.Interop/${name}`,
    requestStream,
    responseStream,
    requestSerialize: identity,
    requestDeserialize: identity,
    responseSerialize: identity,
    responseDeserialize: identity,
  };
}
