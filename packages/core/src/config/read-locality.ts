import type { LocalityPolicy, ZoneAwarePolicy } from './config-object.ts';
import { type FieldReader, isMapping } from './field-reader.ts';

const PLACE_LABELS = new Set([
  'topology.kubernetes.io/region',
  'topology.kubernetes.io/zone',
  'topology.istio.io/subzone',
]);

/** `localityLbSetting`, by Istio's validation (pkg/config/validation/agent, `ValidateLocalityLbSetting`). */
export function readLocality(owner: FieldReader): LocalityPolicy | undefined {
  const block = owner.mapping('localityLbSetting');
  if (block === undefined) return undefined;
  const enabled = block.boolean('enabled') ?? true;
  const distribute = readDistribute(block);
  const failover = readFailover(block);
  const failoverPriority = block.strings('failoverPriority') ?? [];
  block.finish();
  if (distribute.length > 0 && failover.length > 0) {
    const message = 'Only one of distribute and failover may be set; remove one.';
    block.fail('distribute', 'invalid-value', message);
  }
  const places = failoverPriority.filter((label) => PLACE_LABELS.has(label.split('=')[0] ?? ''));
  if (failover.length > 0 && places.length > 0) {
    const message = `With failover, failoverPriority has no place of its own; remove ${places.join(', ')} or failover.`;
    block.fail('failoverPriority', 'invalid-value', message);
  }
  return { enabled, distribute, failover, failoverPriority };
}

/** Envoy's `min_cluster_size`. */
const DEFAULT_CLUSTER_SIZE = 6;

/** `zoneAwareLbSetting`, by Istio's validation (pkg/config/validation/agent, `ValidateZoneAwareLbSetting`). */
export function readZoneAware(owner: FieldReader): ZoneAwarePolicy | undefined {
  const block = owner.mapping('zoneAwareLbSetting');
  if (block === undefined) return undefined;
  const enabled = block.boolean('enabled') ?? true;
  const minClusterSize = block.integer('minClusterSize', { min: 1, max: 4_294_967_295 }) ?? DEFAULT_CLUSTER_SIZE;
  const failover = readFailover(block);
  const failoverPriority = block.strings('failoverPriority') ?? [];
  block.finish();
  const places = failoverPriority.filter((label) => PLACE_LABELS.has(label.split('=')[0] ?? ''));
  if (places.length > 0) {
    const message = `Places go by themselves here; remove ${places.join(', ')}, or order regions by failover.`;
    block.fail('failoverPriority', 'invalid-value', message);
  }
  return { enabled, minClusterSize, failover, failoverPriority };
}

function readDistribute(block: FieldReader): LocalityPolicy['distribute'] {
  const froms: string[] = [];
  return (block.mappings('distribute') ?? []).map((entry) => {
    const from = entry.string('from') ?? '';
    const value = entry.value('to');
    const to: Record<string, number> = {};
    if (isMapping(value)) {
      const reader = entry.mapping('to');
      for (const place of Object.keys(value)) {
        checkPlace(entry, 'to', place, Object.keys(to));
        to[place] = reader?.integer(place, { min: 0, max: 100 }) ?? 0;
        if (to[place] === 0)
          entry.fail('to', 'invalid-value', `Place "${place}" has no weight; give it one from 1 to 100.`);
      }
    } else entry.mapping('to');
    entry.finish();
    checkPlace(entry, 'from', from, froms);
    froms.push(from);
    const total = Object.values(to).reduce((sum, weight) => sum + weight, 0);
    if (total !== 100) entry.fail('to', 'invalid-value', `The weights of to add up to ${total}; they must to 100.`);
    return { from, to };
  });
}

/** A place is `region`, `region/zone` or `region/zone/subzone`; `*` only stands last, and no two overlap. */
function checkPlace(entry: FieldReader, field: string, place: string, others: readonly string[]): void {
  const parts = place.split('/');
  if (place === '' || parts.length > 3 || parts.some((part) => part === '')) {
    entry.fail(field, 'invalid-value', `A place is region/zone/subzone, not "${place}".`);
  } else if (parts.some((part, index) => part.includes('*') && (part !== '*' || index < parts.length - 1))) {
    entry.fail(field, 'invalid-value', `In "${place}" a star may stand alone at the end only.`);
  }
  const other = others.find((earlier) => covers(earlier, place) || covers(place, earlier));
  if (other !== undefined) entry.fail(field, 'invalid-value', `Place "${place}" overlaps with "${other}"; remove one.`);
}

/** Whether all of `inner` lies in `outer`. */
function covers(outer: string, inner: string): boolean {
  const wide = outer.split('/').filter((part) => part !== '*');
  const narrow = inner.split('/').filter((part) => part !== '*');
  return wide.length <= narrow.length && wide.every((part, index) => part === narrow[index]);
}

function readFailover(block: FieldReader): LocalityPolicy['failover'] {
  return (block.mappings('failover') ?? []).map((entry) => {
    const from = entry.string('from') ?? '';
    const to = entry.string('to') ?? '';
    entry.finish();
    for (const [field, region] of [
      ['from', from],
      ['to', to],
    ] as const) {
      if (region === '' || region.includes('/') || region.includes('*')) {
        entry.fail(field, 'invalid-value', `Field ${field} must be a region, not "${region}".`);
      }
    }
    if (from !== '' && from === to) {
      entry.fail('to', 'invalid-value', `A region cannot fail over to itself ("${to}"); name another.`);
    }
    return { from, to };
  });
}
