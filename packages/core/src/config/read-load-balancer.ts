import { DEFAULT_LOAD_BALANCER, type HashKey, type LoadBalancerPolicy, type Warmup } from '../model/index.ts';
import type { TrafficPolicySettings } from './config-object.ts';
import type { FieldReader } from './field-reader.ts';
import { readDurationMs, readNumber } from './read-duration.ts';
import { readLocality, readZoneAware } from './read-locality.ts';

const SIMPLE = ['UNSPECIFIED', 'RANDOM', 'PASSTHROUGH', 'ROUND_ROBIN', 'LEAST_REQUEST', 'LEAST_CONN'] as const;
const KEYS = ['httpHeaderName', 'httpCookie', 'useSourceIp', 'httpQueryParameterName'] as const;

/** Envoy's defaults and limits (istio.io, `ConsistentHashLB`). */
const DEFAULT_RING_SIZE = 1024;
const MOST_RING_SIZE = 8_388_608;
const MOST_TABLE_SIZE = 5_000_010;

export function readLoadBalancer(
  policy: FieldReader,
): Pick<TrafficPolicySettings, 'loadBalancer' | 'unspecified' | 'locality' | 'zoneAware' | 'warmup'> {
  const block = policy.mapping('loadBalancer');
  if (block === undefined) return {};
  const simple = block.word('simple', SIMPLE);
  if (block.has('simple') && block.has('consistentHash')) {
    block.fail('consistentHash', 'invalid-value', 'Only one of simple and consistentHash may be set; remove one.');
  }
  const consistentHash = readConsistentHash(block);
  const locality = readLocality(block);
  const zoneAware = readZoneAware(block);
  const warmup = readWarmup(block);
  if (block.has('zoneAwareLbSetting') && block.has('localityLbSetting')) {
    const message = 'Only one of localityLbSetting and zoneAwareLbSetting may be set; remove one.';
    block.fail('zoneAwareLbSetting', 'invalid-value', message);
  }
  block.finish();
  if (simple === 'LEAST_CONN') block.deprecated('LEAST_CONN is LEAST_REQUEST now', 'simple');
  if (warmup !== undefined && (consistentHash !== undefined || simple === 'PASSTHROUGH')) {
    const field = block.has('warmup') ? 'warmup' : 'warmupDurationSecs';
    block.withoutEffect('only ROUND_ROBIN, RANDOM and LEAST_REQUEST warm up', field);
  }
  // Without a word, UNSPECIFIED and LEAST_CONN too it is LEAST_REQUEST (Istio 1.14 and later).
  const plain: LoadBalancerPolicy =
    simple === 'RANDOM' || simple === 'ROUND_ROBIN' || simple === 'PASSTHROUGH'
      ? { kind: simple }
      : DEFAULT_LOAD_BALANCER;
  return {
    loadBalancer: consistentHash ?? plain,
    ...(consistentHash === undefined && (simple ?? 'UNSPECIFIED') === 'UNSPECIFIED' && { unspecified: true }),
    ...(locality !== undefined && { locality }),
    ...(zoneAware !== undefined && { zoneAware }),
    ...(warmup !== undefined && { warmup }),
  };
}

function readConsistentHash(owner: FieldReader): LoadBalancerPolicy | undefined {
  const block = owner.mapping('consistentHash');
  if (block === undefined) return undefined;
  const given = KEYS.filter((field) => block.has(field));
  if (given.length !== 1) {
    const message = `Field consistentHash needs exactly one of ${KEYS.join(', ')}.`;
    owner.fail('consistentHash', 'invalid-value', message);
  }
  const key = readKey(block);
  const whole = (max: number): { min: number; max: number } => ({ min: 0, max });
  const deprecated = block.integer('minimumRingSize', whole(MOST_RING_SIZE));
  block.deprecated('use ringHash.minimumRingSize', 'minimumRingSize');
  const ring = block.mapping('ringHash');
  const ringSize = ring?.integer('minimumRingSize', whole(MOST_RING_SIZE));
  ring?.finish();
  const maglev = block.mapping('maglev');
  const tableSize = maglev?.integer('tableSize', whole(MOST_TABLE_SIZE)) ?? 0;
  maglev?.finish();
  block.finish();
  if (ring !== undefined && maglev !== undefined) {
    block.fail('maglev', 'invalid-value', 'Only one of ringHash and maglev may be set; remove one.');
  }
  if (deprecated !== undefined && deprecated > 0 && (ring !== undefined || maglev !== undefined)) {
    block.fail('minimumRingSize', 'invalid-value', 'It cannot stand beside ringHash or maglev; remove it.');
  }
  maglev?.require('tableSize');
  if (maglev?.has('tableSize') === true && !isPrime(tableSize)) {
    maglev?.fail('tableSize', 'invalid-value', `Field tableSize must be a prime number, not ${tableSize}.`);
  }
  if (key === undefined) return undefined;
  if (maglev !== undefined) return { kind: 'MAGLEV', tableSize, key };
  return { kind: 'RING_HASH', minimumRingSize: ringSize || deprecated || DEFAULT_RING_SIZE, key };
}

function readKey(block: FieldReader): HashKey | undefined {
  const header = block.string('httpHeaderName');
  const parameter = block.string('httpQueryParameterName');
  const source = block.boolean('useSourceIp');
  const cookie = block.mapping('httpCookie');
  if (header !== undefined) return { kind: 'header', name: header.toLowerCase() };
  if (parameter !== undefined) return { kind: 'query-parameter', name: parameter };
  if (source !== undefined) return source ? { kind: 'source-address' } : undefined;
  if (cookie === undefined) return undefined;
  cookie.require('name');
  const name = cookie.string('name');
  const path = cookie.string('path');
  const ttlMs = readDurationMs(cookie, 'ttl', 'zero');
  const attributes = (cookie.mappings('attributes') ?? []).flatMap((attribute) => {
    attribute.require('name');
    const pair = [attribute.string('name') ?? '', attribute.string('value') ?? ''] as const;
    attribute.finish();
    return pair[0] === '' ? [] : [pair];
  });
  cookie.finish();
  if (name === undefined) return undefined;
  return {
    kind: 'cookie',
    name,
    ...(path !== undefined && { path }),
    ...(ttlMs !== undefined && { ttlMs }),
    ...(attributes.length > 0 && { attributes }),
  };
}

function readWarmup(block: FieldReader): Warmup | undefined {
  const warmup = block.mapping('warmup');
  warmup?.require('duration');
  const durationMs = warmup && readDurationMs(warmup, 'duration');
  const minimumPercent = warmup && readNumber(warmup, 'minimumPercent', 0, 100);
  const aggression = warmup && readNumber(warmup, 'aggression', 0, Number.POSITIVE_INFINITY);
  if (aggression === 0) warmup?.fail('aggression', 'invalid-value', 'Field aggression must be above 0.');
  warmup?.finish();
  const deprecated = readDurationMs(block, 'warmupDurationSecs');
  block.deprecated('use warmup.duration', 'warmupDurationSecs');
  const duration = durationMs ?? deprecated;
  if (duration === undefined) return undefined;
  return { durationMs: duration, minimumPercent: minimumPercent ?? 10, aggression: aggression ?? 1 };
}

function isPrime(value: number): boolean {
  if (value < 2) return false;
  for (let divisor = 2; divisor * divisor <= value; divisor++) if (value % divisor === 0) return false;
  return true;
}
