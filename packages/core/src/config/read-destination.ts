import type { MirrorDestination, RouteDestination, WeightedRouteDestination } from './config-object.ts';
import type { FieldReader } from './field-reader.ts';
import { readHost } from './host-pattern.ts';
import { readDnsLabel } from './names.ts';
import { PORT_NUMBER } from './parse-service.ts';
import { readPercentage } from './read-duration.ts';
import { readHeaders } from './read-headers.ts';

const WEIGHT = { min: 0, max: 2_147_483_647 } as const;

export function readDestinations(rule: FieldReader): readonly WeightedRouteDestination[] {
  const entries = rule.mappings('route') ?? [];
  const destinations = entries.flatMap((entry) => readWeighted(entry) ?? []);
  const total = destinations.reduce((sum, destination) => sum + destination.weight, 0);
  if (destinations.length > 1 && total === 0 && !rule.report.hasErrors) {
    rule.fail('route', 'invalid-value', 'The weights of a route add up to 0; give one destination a weight.');
  }
  return destinations;
}

function readWeighted(entry: FieldReader): WeightedRouteDestination | undefined {
  const weight = entry.integer('weight', WEIGHT) ?? 0;
  const { rules, authority } = readHeaders(entry);
  entry.require('destination');
  const destination = readDestination(entry, 'destination');
  entry.finish();
  if (destination === undefined) return undefined;
  return {
    ...destination,
    weight,
    ...(rules !== undefined && { headers: rules }),
    ...(authority !== undefined && { authority }),
  };
}

function readDestination(owner: FieldReader, field: string): RouteDestination | undefined {
  const destination = owner.mapping(field);
  if (destination === undefined) return undefined;
  destination.require('host');
  const host = readHost(destination, 'host');
  if (host?.host.startsWith('*') === true) {
    destination.fail('host', 'invalid-value', `A destination is one host, "${host.host}" is many; name one.`);
  }
  const subset =
    destination.has('subset') && destination.value('subset') !== '' ? readDnsLabel(destination, 'subset') : undefined;
  destination.ignore('subset');
  const portReader = destination.mapping('port');
  portReader?.require('number');
  const port = portReader?.integer('number', PORT_NUMBER);
  portReader?.finish();
  destination.finish();
  if (host === undefined) return undefined;
  return {
    host: host.host,
    ...(subset !== undefined && { subset }),
    ...(port !== undefined && { port }),
    place: destination.place(),
  };
}

/** `mirror` with its percentage, or `mirrors`; 100 % unless it says otherwise, and 0 % is none. */
export function readMirrors(rule: FieldReader): readonly MirrorDestination[] | undefined {
  const single = readDestination(rule, 'mirror');
  const percentage = readPercentage(rule, 'mirrorPercentage');
  const whole = { min: 0, max: 100 };
  const deprecated = rule.integer('mirrorPercent', whole) ?? rule.integer('mirror_percent', whole);
  rule.deprecated('use mirrorPercentage', 'mirrorPercent', 'mirror_percent');
  const several = (rule.mappings('mirrors') ?? []).flatMap((entry) => {
    entry.require('destination');
    const destination = readDestination(entry, 'destination');
    const percent = readPercentage(entry, 'percentage') ?? 100;
    entry.finish();
    return destination === undefined ? [] : [{ ...destination, percent }];
  });
  if (rule.has('mirror') && (rule.list('mirrors') ?? []).length > 0) {
    rule.fail('mirrors', 'invalid-value', 'Only one of mirror and mirrors may be set; remove one.');
  }
  const mirrors = single === undefined ? several : [{ ...single, percent: percentage ?? deprecated ?? 100 }];
  const copied = mirrors.filter(({ percent }) => percent > 0);
  return copied.length === 0 ? undefined : copied;
}
