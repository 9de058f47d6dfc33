import {
  completeWeights,
  createClusterPicker,
  createPeakEwmaPicker,
  createPicker,
  createSeededRandom,
  DEFAULT_LATENCY,
  LatencyEstimate,
  MAX_DRAWS,
  type Picker,
  shareOut,
} from '../balance/index.ts';
import { type Cluster, type Endpoint, renderEndpointAddress } from '../model/index.ts';
import { endpointsInUse, type LiveEndpoint, type LiveState } from './live-state.ts';

/** The share of such calls that an endpoint gets. */
export interface ExplainedShare {
  readonly cluster: string;
  /** `ip:port` */
  readonly endpoint: string;
  readonly pod?: string;
  /** 0–1 of all calls like this one. */
  readonly share: number;
  /** Not so where the policy goes by how busy or how fast the endpoints are. */
  readonly exact: boolean;
}

/** An endpoint as the policies look at it. */
interface Candidate {
  readonly endpoint: Endpoint;
  readonly key: string;
  readonly live: LiveEndpoint | undefined;
  readonly activeRequests: number;
  readonly handicap: number;
  /** 1 has its full share. */
  readonly warmth: number;
  readonly latency: LatencyEstimate;
}

/** Enough for a percent. */
const DRAWS = 20_000;

/** @param hash of the call, where the policy goes by one */
export function sharesOf(cluster: Cluster, hash: number | undefined, live: LiveState): readonly ExplainedShare[] {
  const inUse = endpointsInUse(cluster, live);
  const candidates = cluster.endpoints.map((endpoint, index) => {
    return inUse[index] === true ? candidateOf(cluster, endpoint, live) : undefined;
  });
  if (hash !== undefined) return hashedShare(cluster, candidates, hash);
  const isBusy = candidates.some((one) => one !== undefined && (one.activeRequests > 0 || one.handicap > 1));
  const isMeasured = candidates.some((one) => one?.live?.latencyMs !== undefined);
  const goesBy = cluster.extensions?.policy?.kind ?? cluster.loadBalancer.kind;
  const byLoad = (goesBy === 'LEAST_REQUEST' || goesBy === 'PASSTHROUGH') && isBusy;
  const byLatency = goesBy === 'PEAK_EWMA' && (isBusy || isMeasured);
  return byLoad || byLatency ? drawnShares(cluster, candidates) : evenShares(cluster, candidates);
}

function candidateOf(cluster: Cluster, endpoint: Endpoint, live: LiveState): Candidate {
  const key = renderEndpointAddress(endpoint.address, endpoint.port);
  const state = live(cluster.name, key);
  // As if all of its calls had taken that long, and the last had ended just now.
  const latency = new LatencyEstimate(
    { ...DEFAULT_LATENCY, initialMs: state?.latencyMs ?? DEFAULT_LATENCY.initialMs },
    0,
  );
  const { activeRequests = 0, handicap = 1, warmth = 1 } = state ?? {};
  return { endpoint, key, live: state, activeRequests, handicap, warmth, latency };
}

/** Of the places in use, each endpoint of one alike, but for what reports and their age make of them. */
function evenShares(cluster: Cluster, candidates: readonly (Candidate | undefined)[]): readonly ExplainedShare[] {
  const { localities, zoneAware, loadBalancer, extensions, toServiceAddress } = cluster;
  const members = candidates.flatMap((one) => one ?? []);
  const places = localities === undefined ? [{ members, load: 1 }] : shareOut(localities, candidates, zoneAware);
  const total = places.reduce((sum, { load }) => sum + load, 0);
  const isWarming = members.some(({ warmth }) => warmth < 1);
  const isLeast = loadBalancer.kind === 'LEAST_REQUEST' || loadBalancer.kind === 'PASSTHROUGH';
  const goesByLoad = extensions?.policy !== undefined || (isLeast && toServiceAddress !== true);
  const exact = !goesByLoad && extensions?.subsetSize === undefined && !isWarming;
  return places.flatMap((place) => {
    const weights = weightsOf(cluster, place.members);
    const all = weights.reduce((sum, weight) => sum + weight, 0);
    return place.members.map((one, index) => {
      return shareOf(cluster, one, ((place.load / total) * (weights[index] ?? 0)) / all, exact);
    });
  });
}

function weightsOf({ extensions }: Cluster, members: readonly Candidate[]): readonly number[] {
  const reported =
    extensions?.policy?.kind === 'WEIGHTED_ROUND_ROBIN'
      ? completeWeights(members.map(({ live }) => live?.weight ?? 0))
      : undefined;
  return members.map(({ warmth }, index) => warmth * (reported?.[index] ?? 1));
}

/** What the next call would get, by drawing it many times. */
function drawnShares(cluster: Cluster, candidates: readonly (Candidate | undefined)[]): readonly ExplainedShare[] {
  const random = createSeededRandom(1);
  const createInner = (members: readonly Candidate[]): Picker<Candidate> => {
    const picker =
      cluster.extensions?.policy?.kind === 'PEAK_EWMA'
        ? createPeakEwmaPicker(members, random, () => 0)
        : createPicker(cluster.loadBalancer, members, random);
    return thinned(picker, members, random);
  };
  const picker = createClusterPicker(cluster, candidates, random, createInner);
  const counts = new Map<Candidate, number>();
  for (let draw = 0; draw < DRAWS; draw++) {
    const picked = picker.pick();
    if (picked !== undefined) counts.set(picked, (counts.get(picked) ?? 0) + 1);
  }
  return candidates.flatMap((one) =>
    one === undefined ? [] : [shareOf(cluster, one, (counts.get(one) ?? 0) / DRAWS, false)],
  );
}

/** Newcomers stand back, as `createSlowStartPicker` makes them. */
function thinned(inner: Picker<Candidate>, members: readonly Candidate[], random: () => number): Picker<Candidate> {
  const full = members.reduce((most, { warmth }) => Math.max(most, warmth), 0);
  if (members.every(({ warmth }) => warmth === full)) return inner;
  return {
    pick() {
      for (let draw = 1; ; draw++) {
        const picked = inner.pick();
        if (picked === undefined || draw === MAX_DRAWS || random() * full < picked.warmth) return picked;
      }
    },
  };
}

function hashedShare(
  cluster: Cluster,
  candidates: readonly (Candidate | undefined)[],
  hash: number,
): readonly ExplainedShare[] {
  const picked = createClusterPicker(cluster, candidates, () => 0).pick(hash);
  return picked === undefined ? [] : [shareOf(cluster, picked, 1, cluster.extensions?.subsetSize === undefined)];
}

function shareOf(cluster: Cluster, { endpoint, key }: Candidate, share: number, exact: boolean): ExplainedShare {
  const { podName } = endpoint;
  return { cluster: cluster.name, endpoint: key, ...(podName !== undefined && { pod: podName }), share, exact };
}
