/**
 * The `service` of a grpc.health.v1.HealthCheckRequest in its gRPC frame; `undefined` when it is none. A compressed one is
 * none either: the proxy offers no compression.
 */
export function parseHealthRequest(bytes: Uint8Array): string | undefined {
  if (bytes.length < 5 || bytes[0] !== 0) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(1) !== bytes.length - 5) return undefined;
  let service = '';
  // The last of several wins, and fields of later versions are passed over (protobuf encoding).
  for (let at = 5; at < bytes.length;) {
    const tag = readVarint(bytes, at);
    if (tag === undefined) return undefined;
    const value = readField(bytes, tag.next, tag.value & 7);
    if (value === undefined) return undefined;
    at = value.end;
    if (tag.value === SERVICE_TAG) service = Buffer.from(bytes.subarray(value.start, value.end)).toString('utf8');
  }
  return service;
}

/** Field 1, length-delimited. */
const SERVICE_TAG = 0x0a;

interface Extent {
  readonly start: number;
  readonly end: number;
}

function readField(bytes: Uint8Array, at: number, wireType: number): Extent | undefined {
  const fixed = wireType === 1 ? 8 : wireType === 5 ? 4 : undefined;
  let extent: Extent | undefined;
  if (fixed !== undefined) extent = { start: at, end: at + fixed };
  const varint = wireType === 0 || wireType === 2 ? readVarint(bytes, at) : undefined;
  if (varint !== undefined) {
    extent = { start: varint.next, end: varint.next + (wireType === 2 ? varint.value : 0) };
  }
  return extent !== undefined && extent.end <= bytes.length ? extent : undefined;
}

/** At most ten octets. */
function readVarint(bytes: Uint8Array, at: number): { readonly value: number; readonly next: number } | undefined {
  let value = 0;
  for (let i = 0; i < 10; i++) {
    const octet = bytes[at + i];
    if (octet === undefined) return undefined;
    value += (octet & 0x7f) * 2 ** (7 * i);
    if (octet < 0x80) return { value, next: at + i + 1 };
  }
  return undefined;
}
