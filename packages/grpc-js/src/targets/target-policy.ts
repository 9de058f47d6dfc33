import type { TargetParameters } from './parse-target.ts';
import type { PolicyName } from '../balance/policy-config.ts';
import { parsePolicyConfig, PolicyConfig } from '../balance/policy-config.ts';
import { TargetError } from './target-error.ts';

/** What `?lb=` may be: our policies without their prefix. */
const SHORT_NAMES: Readonly<Record<string, PolicyName>> = {
  random: 'steelyard_random',
  round_robin: 'steelyard_round_robin',
  least_request: 'steelyard_least_request',
  peak_ewma: 'steelyard_peak_ewma',
  weighted_round_robin: 'steelyard_weighted_round_robin',
  ring_hash: 'steelyard_ring_hash',
  maglev: 'steelyard_maglev',
};

const DEFAULT_POLICY = 'least_request';

/**
 * The policy that a target asks for by `lb` and the parameters beside it: `choices` (least_request), `header` (ring_hash,
 * maglev), `subset`, `connections`, `max_connections`, `connect`, `zone`, `slow_start`, `outlier`, `oob`.
 *
 * @returns `undefined` when it asks for nothing
 * @throws TargetError saying which parameter is wrong
 */
export function readTargetPolicy(target: string, parameters: TargetParameters): PolicyConfig | undefined {
  const lb = parameters.text('lb');
  const json = {
    ...given('choiceCount', parameters.wholeNumber('choices')),
    ...given('header', parameters.text('header')),
    ...given('subsetSize', parameters.wholeNumber('subset')),
    ...given('connectionsPerEndpoint', parameters.wholeNumber('connections')),
    ...given('maxConnectionsPerEndpoint', parameters.wholeNumber('max_connections')),
    ...(parameters.oneOf('connect', ['eager', 'lazy']) === 'lazy' && { lazy: true }),
    ...outOfBand(parameters.text('oob')),
    ...given('zone', parameters.text('zone')),
    ...given('slowStart', parameters.text('slow_start')),
    ...(parameters.flag('outlier') && { outlierDetection: {} }),
  };
  if (lb === undefined && Object.keys(json).length === 0) return undefined;
  const policy = SHORT_NAMES[lb ?? DEFAULT_POLICY];
  if (policy === undefined) {
    throw new TargetError(`${target}: there is no policy ${lb}; there are ${Object.keys(SHORT_NAMES).join(', ')}`);
  }
  try {
    return new PolicyConfig(parsePolicyConfig(policy, json));
  } catch (error) {
    throw new TargetError(`${target}: ${policy}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Where neither the target nor the channel chooses. */
export function defaultPolicy(): PolicyConfig {
  return new PolicyConfig(parsePolicyConfig(SHORT_NAMES[DEFAULT_POLICY] ?? 'steelyard_least_request', {}));
}

/** `oob=10s`: load reports on a stream, so often. */
function outOfBand(period: string | undefined): Readonly<Record<string, string | boolean>> {
  return period === undefined ? {} : { enableOobLoadReport: true, oobReportingPeriod: period };
}

function given(name: string, value: string | number | undefined): Readonly<Record<string, string | number>> {
  return value === undefined ? {} : { [name]: value };
}
