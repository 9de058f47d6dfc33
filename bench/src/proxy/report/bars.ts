import type { SubjectName } from '@steelyard/tools/peers';
import type { Bar, MemoryRow, OpenLoopReport, Ratio } from './report.ts';
import { round } from '../../statistics.ts';

/** What we hold ourselves to: our CPU time per call over the peer's at most, by shape, with one upstream. */
const MOST: Readonly<Record<string, Partial<Record<SubjectName, number>>>> = {
  '1x100': { nghttpx: 0.6, haproxy: 0.45, envoy: 0.3 },
  '10x10': { nghttpx: 0.7, haproxy: 0.5, envoy: 0.35 },
  '100x1': { nghttpx: 0.95, haproxy: 0.8, envoy: 0.6 },
  '1x1': { nghttpx: 1.1, haproxy: 1.1, envoy: 1 },
  '64k': { nghttpx: 1, haproxy: 0.6, envoy: 0.8 },
  stream: { nghttpx: 0.8, haproxy: 0.7, envoy: 0.5 },
};
const MOST_SHARE_IN_LONG_PAUSES = 0.001;
const MOST_KIB_PER_CONNECTION = 12;
const MOST_MIB_WITH_10000 = 300;

/** The limit on a ratio; undefined where there is none. */
export function ratioLimit(shape: string, upstreams: number, peer: SubjectName): number | undefined {
  return upstreams === 1 ? MOST[shape]?.[peer] : undefined;
}

/** The bars of what was measured. */
export function barsOf(
  ratios: readonly Ratio[],
  openLoop: OpenLoopReport | null,
  memory: readonly MemoryRow[],
): readonly Bar[] {
  return [...ratioBars(ratios), ...latencyBars(openLoop), ...memoryBars(memory)];
}

function ratioBars(ratios: readonly Ratio[]): Bar[] {
  return ratios.flatMap(({ shape, upstreams, peer, ratio }) => {
    const limit = ratioLimit(shape, upstreams, peer);
    return limit === undefined ? [] : [bar(`CPU per call at ${shape}, over ${peer}'s`, limit, '', ratio.median)];
  });
}

function latencyBars(openLoop: OpenLoopReport | null): Bar[] {
  if (openLoop === null) return [];
  const addedP99 = (name: SubjectName): number | undefined =>
    openLoop.rows.find(({ subject }) => subject === name)?.added?.p99Ms;
  const peer = addedP99('nghttpx');
  const bars: Bar[] = [];
  if (peer !== undefined) {
    bars.push(
      bar(
        `added p99 at ${openLoop.callsPerSecond} calls a second, at most nghttpx's`,
        peer,
        'ms',
        addedP99('steelyard'),
      ),
    );
  }
  if (openLoop.gc !== null) {
    const { shareInLongPauses } = openLoop.gc;
    bars.push(
      bar('calls that meet a pause of more than 5 ms', MOST_SHARE_IN_LONG_PAUSES * 100, '%', shareInLongPauses * 100),
    );
  }
  return bars;
}

function memoryBars(memory: readonly MemoryRow[]): Bar[] {
  const ours = memory.find(({ subject }) => subject === 'steelyard');
  if (ours === undefined) return [];
  const { connections, kibPerConnection, busyMib } = ours;
  const full = connections >= 10_000 ? (busyMib ?? undefined) : undefined;
  return [
    bar('memory of an idle connection', MOST_KIB_PER_CONNECTION, 'KiB', kibPerConnection ?? undefined),
    bar('memory with 10,000 connections and 1000 calls a second', MOST_MIB_WITH_10000, 'MiB', full),
  ];
}

function bar(what: string, limit: number, unit: string, value: number | undefined): Bar {
  const measured = value === undefined ? null : round(value, 3);
  return { what, limit: round(limit, 3), unit, value: measured, met: measured !== null && measured <= limit };
}
