import type { LatencyOptions, WeightedRoundRobinOptions } from '@steelyard/core/balance';
import type { OutlierDetectionOptions } from '@steelyard/core/health';
import { DEFAULT_LATENCY, DEFAULT_WEIGHTED_ROUND_ROBIN } from '@steelyard/core/balance';
import type { ChoosingPolicy } from '@steelyard/core/model';
import { JsonFields } from '../json-fields.ts';
import { parseOutlierDetection, renderOutlierDetection } from './parse-outlier-detection.ts';

/** What a service config calls our policies. */
export const POLICY_NAMES = [
  'steelyard_random',
  'steelyard_round_robin',
  'steelyard_least_request',
  'steelyard_peak_ewma',
  'steelyard_weighted_round_robin',
  'steelyard_ring_hash',
  'steelyard_maglev',
] as const;

export type PolicyName = (typeof POLICY_NAMES)[number];

/** The policies of a cluster, and those that only a caller can have, as it sees its calls end. */
export type BalancerPolicy =
  | ChoosingPolicy
  | { readonly kind: 'PEAK_EWMA'; readonly latency: LatencyOptions }
  | { readonly kind: 'WEIGHTED_ROUND_ROBIN'; readonly options: WeightedRoundRobinOptions };

/** What holds beside any policy. */
export interface BalancerTraits {
  /** Connections to so many of the endpoints only, another choice for each caller (gRFC A68). */
  readonly subsetSize?: number;
  /** Default 1: so many at all times. */
  readonly connectionsPerEndpoint?: number;
  /**
   * Default 4: so many while all streams of the connections to an endpoint are in use, one more at a time. Those beyond
   * `connectionsPerEndpoint` are not made again when they are lost.
   */
  readonly maxConnectionsPerEndpoint?: number;
  /** Connections are made as the policy chooses an endpoint for a call, not before. */
  readonly lazy?: boolean;
  /** With WEIGHTED_ROUND_ROBIN: backends report their load on a stream, so often, in place of in trailers (gRFC A51, A58). */
  readonly oobReportingPeriodMs?: number;
  /** The caller's zone: calls stay there as far as its endpoints suffice. */
  readonly zone?: string;
  /** New endpoints warm up for so long. */
  readonly slowStartMs?: number;
  readonly outlierDetection?: OutlierDetectionOptions;
}

export interface BalancerConfig extends BalancerTraits {
  readonly policy: BalancerPolicy;
}

const DEFAULT_CHOICE_COUNT = 2;
/** Envoy's and Istio's: `minimumRingSize` 1024, `tableSize` 65537. */
const DEFAULT_RING_SIZE = 1024;
const MAX_RING_SIZE = 2 ** 23;
export const MAGLEV_TABLE_SIZE = 65_537;
const MAX_CONNECTIONS = 16;
const DEFAULT_OOB_PERIOD_MS = 10_000;

/** `choice_count` is a uint32 (gRFC A48). */
const MAX_UINT32 = 2 ** 32 - 1;

/**
 * Reads the configuration of one policy, as it stands in a service config. RANDOM and ROUND_ROBIN have no fields of their
 * own, LEAST_REQUEST may have `choiceCount` (at least 2, default 2; gRFC A48), the others what the guide says. Unknown
 * fields are ignored, as gRPC does with the fields of a newer version.
 *
 * @throws TypeError saying which field is wrong; grpc-js puts the policy's name before it, and goes on to the next entry
 *   of the list, finally to pick_first
 */
export function parsePolicyConfig(name: PolicyName, json: unknown): BalancerConfig {
  const fields = new JsonFields(json);
  const policy = parsePolicy(name, fields);
  const subsetSize = fields.wholeNumber('subsetSize', 1, MAX_UINT32);
  const connectionsPerEndpoint = fields.wholeNumber('connectionsPerEndpoint', 1, MAX_CONNECTIONS);
  const maxConnectionsPerEndpoint = fields.wholeNumber('maxConnectionsPerEndpoint', 1, MAX_CONNECTIONS);
  const lazy = fields.flag('lazy');
  const oobReportingPeriodMs = parseOutOfBand(fields, policy);
  const zone = fields.text('zone');
  const slowStartMs = fields.durationMs('slowStart', 0);
  const outliers = fields.object('outlierDetection');
  if (slowStartMs !== undefined && (policy.kind === 'RING_HASH' || policy.kind === 'MAGLEV')) {
    throw new TypeError('slowStart is set; a key must find its endpoint from the first call on, so take it out');
  }
  return {
    policy,
    ...(subsetSize !== undefined && { subsetSize }),
    ...(connectionsPerEndpoint !== undefined && { connectionsPerEndpoint }),
    ...(maxConnectionsPerEndpoint !== undefined && { maxConnectionsPerEndpoint }),
    ...(lazy === true && { lazy }),
    ...(oobReportingPeriodMs !== undefined && { oobReportingPeriodMs }),
    ...(zone !== undefined && { zone }),
    ...(slowStartMs !== undefined && slowStartMs > 0 && { slowStartMs }),
    ...(outliers && { outlierDetection: parseOutlierDetection(outliers) }),
  };
}

function parsePolicy(name: PolicyName, fields: JsonFields): BalancerPolicy {
  switch (name) {
    case 'steelyard_random':
      return { kind: 'RANDOM' };
    case 'steelyard_round_robin':
      return { kind: 'ROUND_ROBIN' };
    case 'steelyard_least_request':
      return {
        kind: 'LEAST_REQUEST',
        choiceCount: fields.wholeNumber('choiceCount', 2, MAX_UINT32) ?? DEFAULT_CHOICE_COUNT,
      };
    case 'steelyard_peak_ewma': {
      const latency = {
        decayMs: fields.durationMs('decay', 1) ?? DEFAULT_LATENCY.decayMs,
        initialMs: fields.durationMs('initialLatency', 0) ?? DEFAULT_LATENCY.initialMs,
        failureMs: fields.durationMs('failureLatency', 0) ?? DEFAULT_LATENCY.failureMs,
      };
      return { kind: 'PEAK_EWMA', latency };
    }
    case 'steelyard_weighted_round_robin':
      return { kind: 'WEIGHTED_ROUND_ROBIN', options: parseWeightedRoundRobin(fields) };
    case 'steelyard_ring_hash': {
      const minimumRingSize = fields.wholeNumber('minimumRingSize', 1, MAX_RING_SIZE) ?? DEFAULT_RING_SIZE;
      return { kind: 'RING_HASH', minimumRingSize, key: { kind: 'header', name: parseHeader(fields) } };
    }
    case 'steelyard_maglev':
      return { kind: 'MAGLEV', tableSize: MAGLEV_TABLE_SIZE, key: { kind: 'header', name: parseHeader(fields) } };
    default:
      return unknownPolicy(name);
  }
}

function parseWeightedRoundRobin(fields: JsonFields): WeightedRoundRobinOptions {
  const defaults = DEFAULT_WEIGHTED_ROUND_ROBIN;
  const errorUtilizationPenalty = fields.number('errorUtilizationPenalty') ?? defaults.errorUtilizationPenalty;
  if (errorUtilizationPenalty < 0) {
    throw new TypeError(`errorUtilizationPenalty is ${errorUtilizationPenalty}; it must not be negative`);
  }
  return {
    blackoutPeriodMs: fields.durationMs('blackoutPeriod', 0) ?? defaults.blackoutPeriodMs,
    weightExpirationPeriodMs: fields.durationMs('weightExpirationPeriod', 1) ?? defaults.weightExpirationPeriodMs,
    weightUpdatePeriodMs: fields.durationMs('weightUpdatePeriod', 0) ?? defaults.weightUpdatePeriodMs,
    errorUtilizationPenalty,
  };
}

/** gRFC A58: `enable_oob_load_report`, and `oob_reporting_period`, 10 s. */
function parseOutOfBand(fields: JsonFields, { kind }: BalancerPolicy): number | undefined {
  const periodMs = fields.durationMs('oobReportingPeriod', 1) ?? DEFAULT_OOB_PERIOD_MS;
  if (fields.flag('enableOobLoadReport') !== true) return undefined;
  if (kind !== 'WEIGHTED_ROUND_ROBIN') {
    throw new TypeError('enableOobLoadReport is set; only weighted round robin goes by load, so take it out');
  }
  return periodMs;
}

/** Metadata keys are lower case (gRPC over HTTP/2, "Custom-Metadata"). */
function parseHeader(fields: JsonFields): string {
  const header = fields.text('header')?.toLowerCase();
  if (header === undefined) throw new TypeError('header is not there; it must name the metadata key to hash');
  if (!/^[0-9a-z_.-]{1,256}$/.test(header) || header.endsWith('-bin')) {
    throw new TypeError(`header is ${JSON.stringify(header)}; it must be a metadata key of text`);
  }
  return header;
}

/** The parsed configuration of one of our policies, as grpc-js hands it to the balancer. */
export class PolicyConfig {
  readonly config: BalancerConfig;
  readonly #text: string;

  constructor(config: BalancerConfig) {
    this.config = config;
    this.#text = JSON.stringify(this.toJsonObject());
  }

  getLoadBalancerName(): PolicyName {
    return policyName(this.config.policy);
  }

  /** As an entry of `loadBalancingConfig`: `{"steelyard_random": {}}`. */
  toJsonObject(): Readonly<Record<string, object>> {
    const { policy, subsetSize, connectionsPerEndpoint, zone, slowStartMs, outlierDetection } = this.config;
    const { maxConnectionsPerEndpoint, lazy, oobReportingPeriodMs } = this.config;
    const fields = {
      ...policyFields(policy),
      ...(subsetSize !== undefined && { subsetSize }),
      ...(connectionsPerEndpoint !== undefined && { connectionsPerEndpoint }),
      ...(maxConnectionsPerEndpoint !== undefined && { maxConnectionsPerEndpoint }),
      ...(lazy !== undefined && { lazy }),
      ...(oobReportingPeriodMs !== undefined && {
        enableOobLoadReport: true,
        oobReportingPeriod: seconds(oobReportingPeriodMs),
      }),
      ...(zone !== undefined && { zone }),
      ...(slowStartMs !== undefined && { slowStart: seconds(slowStartMs) }),
      ...(outlierDetection && { outlierDetection: renderOutlierDetection(outlierDetection) }),
    };
    return { [this.getLoadBalancerName()]: fields };
  }

  equals(other: PolicyConfig): boolean {
    return this.#text === other.#text;
  }
}

function policyFields(policy: BalancerPolicy): Readonly<Record<string, unknown>> {
  switch (policy.kind) {
    case 'LEAST_REQUEST':
      return { choiceCount: policy.choiceCount };
    case 'PEAK_EWMA': {
      const { decayMs, initialMs, failureMs } = policy.latency;
      return { decay: seconds(decayMs), initialLatency: seconds(initialMs), failureLatency: seconds(failureMs) };
    }
    case 'WEIGHTED_ROUND_ROBIN': {
      const { blackoutPeriodMs, weightExpirationPeriodMs, weightUpdatePeriodMs, errorUtilizationPenalty } =
        policy.options;
      return {
        blackoutPeriod: seconds(blackoutPeriodMs),
        weightExpirationPeriod: seconds(weightExpirationPeriodMs),
        weightUpdatePeriod: seconds(weightUpdatePeriodMs),
        errorUtilizationPenalty,
      };
    }
    case 'RING_HASH':
      return { minimumRingSize: policy.minimumRingSize, header: headerOf(policy) };
    case 'MAGLEV':
      return { header: headerOf(policy) };
    case 'RANDOM':
    case 'ROUND_ROBIN':
      return {};
    default:
      return unknownPolicy(policy);
  }
}

/** A caller hashes what it sends; it has no cookies, and no source address but one. */
function headerOf({ kind, key }: Extract<BalancerPolicy, { kind: 'RING_HASH' | 'MAGLEV' }>): string {
  if (key.kind === 'header') return key.name;
  throw new TypeError(`${kind} by ${key.kind} cannot be had in a caller; only by header`);
}

function seconds(ms: number): string {
  return `${ms / 1000}s`;
}

function policyName(policy: BalancerPolicy): PolicyName {
  switch (policy.kind) {
    case 'RANDOM':
      return 'steelyard_random';
    case 'ROUND_ROBIN':
      return 'steelyard_round_robin';
    case 'LEAST_REQUEST':
      return 'steelyard_least_request';
    case 'PEAK_EWMA':
      return 'steelyard_peak_ewma';
    case 'WEIGHTED_ROUND_ROBIN':
      return 'steelyard_weighted_round_robin';
    case 'RING_HASH':
      return 'steelyard_ring_hash';
    case 'MAGLEV':
      return 'steelyard_maglev';
    default:
      return unknownPolicy(policy);
  }
}

export function unknownPolicy(policy: never): never {
  throw new TypeError(`there is no load balancing policy ${JSON.stringify(policy)}`);
}

/**
 * The service config that selects a policy, as JSON text for the channel option `grpc.service_config`. Call `register`
 * before a channel is made with it.
 *
 * @throws TypeError for a hash policy whose key a caller does not have
 */
export function serviceConfigFor(policy: BalancerPolicy, traits: BalancerTraits = {}): string {
  return JSON.stringify({ loadBalancingConfig: [new PolicyConfig({ ...traits, policy }).toJsonObject()] });
}
