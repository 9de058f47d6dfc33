import { createCompiler } from '@steelyard/core/compile';
import type { ParsedObjects } from '@steelyard/core/config';
import { changedSlice, clusterObjects, parse } from './objects.ts';
import { median, quantile } from '../statistics.ts';
import { cpuMs, type Row } from './report.ts';

interface Size {
  readonly services: number;
  readonly endpoints: number;
}

/** From untrusted objects to a Snapshot, the first time in this process and when the code is warm. */
export function measureFromScratch({ services, endpoints }: Size, rounds: number): readonly Row[] {
  const objects = clusterObjects(services, endpoints);
  const both: number[] = [];
  const compiling: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const began = cpuMs();
    const parsed = parse(objects);
    const compiled = cpuMs();
    createCompiler({ clientLocality: { region: 'r', zone: 'zone-0', subzone: '' } }).compile(parsed);
    const ended = cpuMs();
    both.push(ended - began);
    compiling.push(ended - compiled);
  }
  const size = `${services} Services x ${endpoints} endpoints`;
  // The first time is mostly that of Node's compiler.
  return [
    { what: `${size}: parsed and compiled, first time`, value: both[0] ?? Number.NaN, unit: 'ms' },
    { what: `${size}: parsed and compiled, median`, value: median(both), unit: 'ms' },
    { what: `${size}: compiled, first time`, value: compiling[0] ?? Number.NaN, unit: 'ms', bar: 250 },
    { what: `${size}: compiled, median`, value: median(compiling), unit: 'ms', bar: 250 },
  ];
}

/** One endpoint goes and comes back, each time of another Service. */
export function measureOneChange({ services, endpoints }: Size, changes: number): readonly Row[] {
  const compiler = createCompiler({ clientLocality: { region: 'r', zone: 'zone-0', subzone: '' } });
  let parsed = parse(clusterObjects(services, endpoints));
  compiler.compile(parsed);
  const places = new Map(parsed.objects.map(({ object }, index) => [`${object.kind}/${object.name}`, index]));
  const times: number[] = [];
  for (let change = 0; change < changes; change++) {
    const service = (change * 7919) % services;
    const ready = Math.floor(change / services) % 2 === 1;
    const [entry] = parse([changedSlice(service, endpoints, ready)]).objects;
    const at = places.get(`EndpointSlice/svc-${service}-abcde`);
    if (entry === undefined || at === undefined) throw new Error(`there is no slice of svc-${service}`);
    const next: ParsedObjects = { ...parsed, objects: parsed.objects.with(at, entry) };
    const before = cpuMs();
    compiler.compile(next);
    times.push(cpuMs() - before);
    parsed = next;
  }
  // Of the first few most is Node's compiler again, and some have the garbage of those before them to collect.
  return [
    { what: 'one endpoint changes: median', value: median(times), unit: 'ms', bar: 2 },
    { what: 'one endpoint changes: 95 of 100', value: quantile(times, 0.95), unit: 'ms', bar: 2 },
    { what: 'one endpoint changes: slowest', value: quantile(times, 1), unit: 'ms' },
  ];
}
