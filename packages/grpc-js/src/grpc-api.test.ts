import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Metadata, experimental } from '@grpc/grpc-js';
import type { LeafLoadBalancer } from './grpc-api.ts';
import {
  channelOf,
  connectivityState,
  createChildHelper,
  createLeaf,
  registerLoadBalancerType,
  sessionOf,
} from './grpc-api.ts';
import { TestPod, call, closeClients, openClient } from './test-pods.test-bed.ts';

/** A balancer of one leaf, that shows what the leaf says. */
class AdapterBalancer implements experimental.LoadBalancer {
  static leaf: LeafLoadBalancer | undefined;
  static results: experimental.PickResult[] = [];
  readonly #helper: experimental.ChannelControlHelper;

  constructor(helper: experimental.ChannelControlHelper) {
    this.#helper = helper;
  }

  updateAddressList(
    ...[endpoints, , options, note]: Parameters<experimental.LoadBalancer['updateAddressList']>
  ): boolean {
    const [endpoint] = endpoints.ok ? endpoints.value : [];
    if (endpoint === undefined) return false;
    const leaf = createLeaf(
      endpoint,
      createChildHelper(this.#helper, (state, picker, error) => {
        if (state === connectivityState.READY) {
          const args = { metadata: new Metadata(), extraPickInfo: {} };
          AdapterBalancer.results = [picker.pick(args), picker.pick(args)];
        }
        this.#helper.updateState(state, picker, error);
      }),
      options,
      note,
    );
    AdapterBalancer.leaf = leaf;
    leaf.startConnecting();
    return true;
  }

  exitIdle(): void {
    AdapterBalancer.leaf?.exitIdle();
  }

  resetBackoff(): void {
    // Nothing is waited for.
  }

  destroy(): void {
    AdapterBalancer.leaf?.destroy();
  }

  getTypeName(): string {
    return 'steelyard_adapter_test';
  }
}

class AdapterConfig {
  getLoadBalancerName(): string {
    return 'steelyard_adapter_test';
  }

  toJsonObject(): object {
    return { steelyard_adapter_test: {} };
  }

  static createFromJson(): AdapterConfig {
    return new AdapterConfig();
  }
}
registerLoadBalancerType('steelyard_adapter_test', AdapterBalancer, AdapterConfig);

/** With their numbers of parameters, which have changed between minor versions (1.10, 1.12, 1.13, 1.14). */
const USED: readonly [name: keyof typeof experimental, parameters: number][] = [
  ['LeafLoadBalancer', 4],
  ['QueuePicker', 2],
  ['UnavailablePicker', 1],
  ['createChildChannelControlHelper', 2],
  ['registerLoadBalancerType', 3],
  ['registerResolver', 2],
  ['statusOrFromError', 1],
  ['statusOrFromValue', 1],
  ['trace', 3],
];
for (const [name, parameters] of USED) {
  test(`experimental.${name} is as it was`, () => {
    const used: unknown = experimental[name];
    assert.ok(typeof used === 'function');
    assert.equal(used.length, parameters);
  });
}

test('attributes with this prefix stay out of connections', () => {
  assert.equal(experimental.SUBCHANNEL_ARGS_EXCLUDE_KEY_PREFIX, 'grpc.internal.no_subchannel');
});

test('a picker of one connection says the same for every call, and wants to hear nothing of calls', async () => {
  const pod = await new TestPod('a').start();
  const client = openClient(`ipv4:///127.0.0.1:${pod.port}`, {
    'grpc.service_config': JSON.stringify({ loadBalancingConfig: [{ steelyard_adapter_test: {} }] }),
  });
  assert.equal(await call(client), 'a');
  const [first, second] = AdapterBalancer.results;
  assert.ok(first !== undefined && second !== undefined);
  assert.deepEqual({ ...first, subchannel: undefined }, { ...second, subchannel: undefined });
  assert.equal(first.subchannel, second.subchannel);
  assert.deepEqual([first.onCallStarted, first.onCallEnded], [null, null]);
  closeClients();
  pod.kill();
});

test('the session of a connection is found where it is looked for, and so are the calls on one connection', async () => {
  const pod = new TestPod('a');
  pod.maxStreams = 7;
  await pod.start();
  const client = openClient(`ipv4:///127.0.0.1:${pod.port}`, {
    'grpc.service_config': JSON.stringify({ loadBalancingConfig: [{ steelyard_adapter_test: {} }] }),
  });
  assert.equal(await call(client), 'a');
  const { leaf } = AdapterBalancer;
  assert.ok(leaf !== undefined);
  const session = sessionOf(leaf.getPicker());
  assert.equal(session?.remoteSettings.maxConcurrentStreams, 7);
  assert.equal(typeof session.state.effectiveRecvDataLength, 'number');
  assert.ok(session.socket.bytesRead > 0);
  assert.equal(typeof channelOf(leaf.getPicker())?.createCall, 'function');
  closeClients();
  pod.kill();
});
