import { mixHash } from './hash.ts';
import { type HashPoints, placePoints } from './hash-points.ts';

/** Points of one endpoint. Fixed, so that an endpoint that goes moves no keys but its own. */
const POINTS = 512;
/** Where `POINTS` for all would need more, each gets fewer; Envoy's own limit is 8 M. */
const MOST_POINTS = 2 ** 18;

/** @param previous where there is one; of a set that differs little it is cheaper to start from */
export function createRing(keys: readonly string[], minimumRingSize: number, previous?: HashPoints): HashPoints {
  return placePoints(keys, pointsOf(keys.length, minimumRingSize), pointOnRing, previous);
}

function pointOnRing(own: number, point: number): number {
  return mixHash(own + Math.imul(point, 0x9e3779b1));
}

/** A power of two, so that it seldom changes with the number of endpoints. */
function pointsOf(count: number, minimumRingSize: number): number {
  if (count === 0) return 0;
  const wanted = Math.max(POINTS, 2 ** Math.ceil(Math.log2(minimumRingSize / count)));
  const affordable = Math.max(1, 2 ** Math.floor(Math.log2(Math.max(MOST_POINTS, minimumRingSize) / count)));
  return Math.max(Math.ceil(minimumRingSize / count), Math.min(wanted, affordable));
}
