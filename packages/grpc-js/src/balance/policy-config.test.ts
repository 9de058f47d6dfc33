import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { ChoosingPolicy } from '@steelyard/core/model';
import { experimental } from '@grpc/grpc-js';
import { parsePolicyConfig, serviceConfigFor } from './policy-config.ts';
import type { PolicyName } from './policy-config.ts';
import { register } from '../register.ts';

register();

suite('parsePolicyConfig', () => {
  const accepted: readonly { name: PolicyName; json: unknown; policy: ChoosingPolicy }[] = [
    { name: 'steelyard_random', json: {}, policy: { kind: 'RANDOM' } },
    { name: 'steelyard_round_robin', json: {}, policy: { kind: 'ROUND_ROBIN' } },
    { name: 'steelyard_least_request', json: {}, policy: { kind: 'LEAST_REQUEST', choiceCount: 2 } },
    { name: 'steelyard_least_request', json: { choiceCount: 5 }, policy: { kind: 'LEAST_REQUEST', choiceCount: 5 } },
    { name: 'steelyard_random', json: { ofTheFuture: true }, policy: { kind: 'RANDOM' } },
  ];
  for (const { name, json, policy } of accepted) {
    test(`${name} ${JSON.stringify(json)}`, () => assert.deepEqual(parsePolicyConfig(name, json), { policy }));
  }

  const refused: readonly { json: unknown; message: string }[] = [
    ...[null, 7, 'x', []].map((json) => ({
      json,
      message: `the configuration is ${JSON.stringify(json)}; it must be an object, such as {}`,
    })),
    ...[1, 0, -3, 2.5, '2', null, 2 ** 32].map((choiceCount) => ({
      json: { choiceCount },
      message: `choiceCount is ${JSON.stringify(choiceCount)}; it must be a whole number of at least 2`,
    })),
  ];
  for (const { json, message } of refused) {
    test(`refuses ${JSON.stringify(json)}`, () => {
      assert.throws(() => parsePolicyConfig('steelyard_least_request', json), { name: 'TypeError', message });
    });
  }
});

suite('as grpc-js sees them', () => {
  const policies: readonly ChoosingPolicy[] = [
    { kind: 'RANDOM' },
    { kind: 'ROUND_ROBIN' },
    { kind: 'LEAST_REQUEST', choiceCount: 4 },
  ];
  for (const policy of policies) {
    test(`the service config for ${policy.kind} is read back as the same`, () => {
      const { loadBalancingConfig } = JSON.parse(serviceConfigFor(policy));
      const config = experimental.selectLbConfigFromList(loadBalancingConfig);
      assert.deepEqual(config, config && experimental.parseLoadBalancingConfig(loadBalancingConfig[0]));
      assert.deepEqual([config?.toJsonObject()], loadBalancingConfig);
      assert.ok(experimental.isLoadBalancerNameRegistered(config?.getLoadBalancerName() ?? ''));
    });
  }

  test('a wrong field is named together with its policy', () => {
    assert.throws(() => experimental.parseLoadBalancingConfig({ steelyard_least_request: { choiceCount: 1 } }), {
      message: 'steelyard_least_request: choiceCount is 1; it must be a whole number of at least 2',
    });
  });

  test('a wrong entry is passed over for the next one', () => {
    const config = experimental.selectLbConfigFromList([
      { steelyard_least_request: { choiceCount: 0 } },
      { steelyard_round_robin: {} },
    ]);
    assert.equal(config?.getLoadBalancerName(), 'steelyard_round_robin');
  });
});
