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

/** Units to say a time in: the finest whose eight digits hold it. */
const RENDERED = ['u', 'm', 'S', 'M', 'H'] as const;
const MOST = 99_999_999;

/** How long the caller will wait, in milliseconds. `undefined` when it does not say, or not in gRPC's words. */
export function grpcTimeoutOf(block: HeaderBlock): number | undefined {
  for (let at = 0; at < block.count; at++) {
    const field = block.fields[at];
    if (field?.name === GRPC_TIMEOUT) return parseGrpcTimeout(field.text);
  }
  return undefined;
}

/** `5S`, `250m` → milliseconds. */
export function parseGrpcTimeout(text: string): number | undefined {
  const unit = UNITS.get(text.slice(-1));
  const digits = text.slice(0, -1);
  return unit !== undefined && /^\d{1,8}$/.test(digits) ? Number(digits) * unit : undefined;
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
