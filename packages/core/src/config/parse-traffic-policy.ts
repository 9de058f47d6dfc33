import { DEFAULT_LOAD_BALANCER, type LoadBalancerPolicy } from '../model/index.ts';
import type { TrafficPolicy } from './config-object.ts';
import type { FieldReader } from './field-reader.ts';

const SIMPLE = ['UNSPECIFIED', 'RANDOM', 'PASSTHROUGH', 'ROUND_ROBIN', 'LEAST_REQUEST', 'LEAST_CONN'] as const;

const POLICY_FIELDS = [
  'loadBalancer',
  'connectionPool',
  'outlierDetection',
  'tls',
  'portLevelSettings',
  'tunnel',
  'proxyProtocol',
  'retryBudget',
];

export function parseTrafficPolicy(owner: FieldReader): TrafficPolicy | undefined {
  const policy = owner.mapping('trafficPolicy');
  if (policy === undefined) return undefined;
  // Istio rejects a policy that says nothing.
  if (!POLICY_FIELDS.some((field) => policy.has(field))) {
    owner.fail('trafficPolicy', 'invalid-value', 'Field trafficPolicy must say something; fill it or remove it.');
  }
  const loadBalancer = readLoadBalancer(policy);
  policy.notHonoured('connections and calls are not limited by it', 'connectionPool');
  policy.notHonoured('failing endpoints keep getting calls', 'outlierDetection');
  policy.notHonoured('all ports have the policy of the host', 'portLevelSettings');
  policy.notHonoured('no call is tried again', 'retryBudget');
  policy.withoutEffect('it is for TCP only', 'tunnel', 'proxyProtocol');
  readTls(policy);
  policy.finish();
  return { ...(loadBalancer !== undefined && { loadBalancer }) };
}

/** Calls go to endpoints in plain text, which is what DISABLE asks for. */
function readTls(policy: FieldReader): void {
  const tls = policy.mapping('tls');
  if (tls === undefined || (tls.value('mode') ?? 'DISABLE') === 'DISABLE') return;
  policy.notHonoured('calls go to endpoints in plain text', 'tls');
}

function readLoadBalancer(policy: FieldReader): LoadBalancerPolicy | undefined {
  const block = policy.mapping('loadBalancer');
  if (block === undefined) return undefined;
  const simple = block.word('simple', SIMPLE);
  if (block.has('simple') && block.has('consistentHash')) {
    block.fail('consistentHash', 'invalid-value', 'Only one of simple and consistentHash may be set; remove one.');
  }
  block.notHonoured('calls of one key may land on any endpoint, by LEAST_REQUEST', 'consistentHash');
  block.notHonoured('calls go to all endpoints, near and far alike', 'localityLbSetting', 'zoneAwareLbSetting');
  block.notHonoured('new endpoints get their full share at once', 'warmup', 'warmupDurationSecs');
  block.finish();
  if (simple === 'PASSTHROUGH') {
    block.notHonoured('LEAST_REQUEST over the endpoints holds, not the address the caller dialled', 'simple');
  }
  // Without a word, UNSPECIFIED and LEAST_CONN too it is LEAST_REQUEST (Istio 1.14 and later).
  return simple === 'RANDOM' || simple === 'ROUND_ROBIN' ? { kind: simple } : DEFAULT_LOAD_BALANCER;
}
