import type { ClosedLoop, EchoStream, Measured } from '../load/load-command.ts';

/** What callers do in a measurement of CPU time. */
export interface Shape {
  /** As it is given on the command line and stands in reports. */
  readonly name: string;
  readonly about: string;
  readonly tls: boolean;
  /** Whether it is measured with several upstreams as well. */
  readonly spread: boolean;
  /** Whether callers keep the proxy as busy as it can be; with one call under way they wait for each other. */
  readonly saturating: boolean;
  command(measured: Measured, timing: ShapeTiming): ClosedLoop | EchoStream;
}

export interface ShapeTiming {
  readonly warmUpMs: number;
  readonly measureMs: number;
  readonly seed: number;
}

const SMALL = 12;
const KIB = 1024;
/** Of a stream, in a measurement of half a second or more. */
const MESSAGES = 100_000;
const FULL_STREAM_MS = 500;

interface Unary {
  readonly connections: number;
  readonly underWay: number;
  readonly replyBytes?: number;
  readonly metadata?: true;
}

function unary(
  name: string,
  about: string,
  { connections, underWay, replyBytes = SMALL, metadata }: Unary,
  flags: Partial<Pick<Shape, 'tls' | 'spread'>> = {},
): Shape {
  return {
    name,
    about,
    tls: false,
    spread: false,
    ...flags,
    saturating: underWay > 1,
    command: (measured, timing) => ({
      kind: 'closed',
      ...measured,
      connections,
      underWay,
      call: { kind: metadata === undefined ? 'unary' : 'metadata', replyBytes },
      ...timing,
    }),
  };
}

function matrix(connections: number, streams: number, tls: boolean): Shape {
  const under = streams === 1 ? 'one call under way' : `${streams} calls under way`;
  const each = connections === 1 ? `1 connection, ${under}` : `${connections} connections, ${under} on each`;
  return unary(
    `${tls ? 'tls-' : ''}${connections}x${streams}`,
    tls ? `${each}, TLS in front` : each,
    { connections, underWay: connections * streams },
    // With one call under way there is little to spread.
    { tls, spread: !tls && connections * streams > 1 },
  );
}

const stream: Shape = {
  name: 'stream',
  about: 'one bidirectional stream of 100,000 small messages, 100 under way; per message',
  tls: false,
  spread: false,
  saturating: true,
  command: (measured, { measureMs, seed }) => ({
    kind: 'echo',
    ...measured,
    messages: Math.round(MESSAGES * Math.min(1, measureMs / FULL_STREAM_MS)),
    underWay: 100,
    seed,
  }),
};

/** What is measured unless told otherwise, in the order of the report. */
export const SHAPES: readonly Shape[] = [
  matrix(1, 100, false),
  matrix(10, 10, false),
  matrix(100, 1, false),
  matrix(1, 1, false),
  unary('idle', '1000 connections, 10 calls that wander over them', { connections: 1000, underWay: 10 }),
  unary('64k', 'replies of 64 KiB, 1 connection, 10 under way', { connections: 1, underWay: 10, replyBytes: 64 * KIB }),
  unary('1m', 'replies of 1 MiB, 1 connection, 4 under way', { connections: 1, underWay: 4, replyBytes: KIB * KIB }),
  stream,
  unary('metadata', '8 KiB of metadata, 10 connections, 10 under way on each', {
    connections: 10,
    underWay: 100,
    metadata: true,
  }),
  matrix(10, 10, true),
  unary(
    'tls-64k',
    'replies of 64 KiB, TLS in front',
    { connections: 1, underWay: 10, replyBytes: 64 * KIB },
    { tls: true },
  ),
];

/** One of {@link SHAPES}, or small calls as CxS or tls-CxS: connections x calls under way on each. */
export function parseShape(text: string): Shape | undefined {
  const known = SHAPES.find(({ name }) => name === text);
  if (known !== undefined) return known;
  const [, tls, connections, streams] = /^(tls-)?(\d{1,4})x(\d{1,3})$/.exec(text) ?? [];
  return Number(connections) > 0 && Number(streams) > 0
    ? matrix(Number(connections), Number(streams), tls !== undefined)
    : undefined;
}
