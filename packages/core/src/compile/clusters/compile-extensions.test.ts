import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AnnotationSettings, ObjectRef } from '../../model/index.ts';
import { compileExtensions } from './compile-extensions.ts';

const SERVICE: ObjectRef = { kind: 'Service', namespace: 'default', name: 'backend' };
const OLD: ObjectRef = { kind: 'DestinationRule', namespace: 'default', name: 'old' };
const NEW: ObjectRef = { kind: 'DestinationRule', namespace: 'default', name: 'new' };

const RANDOM = { kind: 'RANDOM' } as const;
const ROUND_ROBIN = { kind: 'ROUND_ROBIN' } as const;
const LEAST_REQUEST = { kind: 'LEAST_REQUEST', choiceCount: 2 } as const;
const PEAK_EWMA = { kind: 'PEAK_EWMA' } as const;

interface Case {
  readonly is: string;
  readonly old?: AnnotationSettings;
  readonly new?: AnnotationSettings;
  readonly service?: AnnotationSettings;
  readonly policy?: Parameters<typeof compileExtensions>[2];
  readonly gives: ReturnType<typeof compileExtensions>;
}

const CASES: readonly Case[] = [
  { is: 'nothing said', gives: { loadBalancer: LEAST_REQUEST } },
  { is: 'only the fields', policy: { loadBalancer: RANDOM }, gives: { loadBalancer: RANDOM } },
  {
    is: "the Service's",
    service: { policy: RANDOM, subsetSize: 3 },
    gives: {
      loadBalancer: RANDOM,
      extensions: { subsetSize: 3 },
      annotations: [
        { setting: 'policy', object: SERVICE },
        { setting: 'subsetSize', object: SERVICE },
      ],
    },
  },
  {
    is: "the rule's before the Service's",
    old: { policy: PEAK_EWMA },
    service: { policy: RANDOM },
    gives: {
      loadBalancer: LEAST_REQUEST,
      extensions: { policy: PEAK_EWMA },
      annotations: [{ setting: 'policy', object: OLD }],
    },
  },
  {
    is: 'of merged rules the older one',
    old: { policy: RANDOM },
    new: { policy: ROUND_ROBIN, hedging: { maxAttempts: 2, delayMs: 1 } },
    gives: {
      loadBalancer: RANDOM,
      extensions: { hedging: { maxAttempts: 2, delayMs: 1 } },
      annotations: [
        { setting: 'policy', object: OLD },
        { setting: 'hedging', object: NEW },
      ],
    },
  },
  {
    is: "a field of the rule before the Service's annotation",
    service: { policy: PEAK_EWMA },
    policy: { loadBalancer: ROUND_ROBIN },
    gives: { loadBalancer: ROUND_ROBIN },
  },
  {
    is: "a block that names no policy leaves it to the Service's annotation",
    service: { policy: PEAK_EWMA },
    policy: { loadBalancer: LEAST_REQUEST, unspecified: true },
    gives: {
      loadBalancer: LEAST_REQUEST,
      extensions: { policy: PEAK_EWMA },
      annotations: [{ setting: 'policy', object: SERVICE }],
    },
  },
  {
    is: "the rule's annotation before its own field",
    old: { policy: PEAK_EWMA },
    policy: { loadBalancer: ROUND_ROBIN },
    gives: {
      loadBalancer: ROUND_ROBIN,
      extensions: { policy: PEAK_EWMA },
      annotations: [{ setting: 'policy', object: OLD }],
    },
  },
  {
    is: 'off ends what the Service asks for',
    old: { subsetSize: 'off' },
    service: { subsetSize: 5 },
    gives: { loadBalancer: LEAST_REQUEST, annotations: [{ setting: 'subsetSize', object: OLD }] },
  },
  {
    is: 'both ejections',
    old: { successRate: { stdevFactor: 1, minimumHosts: 2, requestVolume: 3 } },
    service: { failurePercentage: { threshold: 1, minimumHosts: 2, requestVolume: 3 } },
    gives: {
      loadBalancer: LEAST_REQUEST,
      extensions: {
        rateEjections: {
          successRate: { stdevFactor: 1, minimumHosts: 2, requestVolume: 3 },
          failurePercentage: { threshold: 1, minimumHosts: 2, requestVolume: 3 },
        },
      },
      annotations: [
        { setting: 'successRate', object: OLD },
        { setting: 'failurePercentage', object: SERVICE },
      ],
    },
  },
];

test('annotations make extensions, the DestinationRule before the Service', () => {
  for (const { is, old, new: younger, service, policy = {}, gives } of CASES) {
    const rules = [
      ...(old === undefined ? [] : [{ object: OLD, settings: old }]),
      ...(younger === undefined ? [] : [{ object: NEW, settings: younger }]),
    ];
    const own = service && { object: SERVICE, settings: service };
    assert.deepEqual(compileExtensions(rules, own, policy), gives, is);
  }
});
