import { createNamedField, fieldName, HeaderBlock } from '@steelyard/http2';

const GRPC_TIMEOUT = fieldName('grpc-timeout');

/** PROTOCOL-HTTP2.md "TimeoutUnit", in milliseconds. */
const UNITS: ReadonlyMap<string, number> = new Map([
  ['H', 3_600_000],
  ['M', 60_000],
  ['S', 1000],
  ['m', 1],
  ['u', 0.001],
  ['n', 0.000001],
]);

/** The same by the octet of the unit; 0 is none. */
const MS_BY_OCTET = Float64Array.from({ length: 256 }, (_, octet) => UNITS.get(String.fromCharCode(octet)) ?? 0);

/** Units to say a time in: the finest whose eight digits hold it. */
const RENDERED = ['u', 'm', 'S', 'M', 'H'] as const;
const MOST_DIGITS = 8;
const MOST = 99_999_999;

const octets = new Uint8Array(MOST_DIGITS + 1);

/** How long the caller will wait, in milliseconds. `undefined` when it does not say, or not in gRPC's words. */
export function grpcTimeoutOf({ grpcTimeout }: HeaderBlock): number | undefined {
  if (grpcTimeout === undefined || grpcTimeout.length > octets.length) return undefined;
  grpcTimeout.decodeInto(octets);
  return parseGrpcTimeout(octets, grpcTimeout.length);
}

/** `5S`, `250m` → milliseconds. Callers give each call another one: a string of each would be paid by all. */
export function parseGrpcTimeout(bytes: Uint8Array, length: number): number | undefined {
  const digits = length - 1;
  if (digits < 1 || digits > MOST_DIGITS) return undefined;
  let value = 0;
  for (let i = 0; i < digits; i++) {
    const digit = (bytes[i] ?? 0) - 0x30;
    if (digit < 0 || digit > 9) return undefined;
    value = value * 10 + digit;
  }
  const unit = MS_BY_OCTET[bytes[digits] ?? 0] ?? 0;
  return unit === 0 ? undefined : value * unit;
}

/** Never longer than `ms`, and never nothing. */
export function renderGrpcTimeout(ms: number): string {
  for (const unit of RENDERED) {
    // Not divided by a fraction: 0.001 is none that floating point knows.
    const value = unit === 'u' ? Math.floor(ms * 1000) : Math.floor(ms / (UNITS.get(unit) ?? 1));
    if (value <= MOST) return `${Math.max(1, value)}${unit}`;
  }
  return `${MOST}H`;
}

/** The header block with this as the time that the pod has. */
export function withGrpcTimeout(block: HeaderBlock, ms: number): HeaderBlock {
  const fields = block.fields.slice(0, block.count).filter((field) => field.name !== GRPC_TIMEOUT);
  return HeaderBlock.of([...fields, createNamedField(GRPC_TIMEOUT, renderGrpcTimeout(ms))]);
}
