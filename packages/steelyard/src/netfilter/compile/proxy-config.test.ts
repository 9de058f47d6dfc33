import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { compileProxyConfig, ProxyConfigError } from './proxy-config.ts';

const node = { name: 'a', internalIps: [], podCidrs: ['10.1.0.0/24', 'fd00:1::/64'] };

suite('compileProxyConfig', () => {
  const cases: readonly [string, object, object][] = [
    ['nothing said', {}, { masqueradeAll: false }],
    ['one network', { clusterCIDR: '10.0.0.0/8' }, { localPods: { kind: 'network', network: '10.0.0.0/8' } }],
    [
      'the family’s of two',
      { clusterCIDR: 'fd00::/48,10.0.0.0/8' },
      { localPods: { kind: 'network', network: '10.0.0.0/8' } },
    ],
    ['the node’s', { detectLocalMode: 'NodeCIDR' }, { localPods: { kind: 'network', network: '10.1.0.0/24' } }],
    [
      'a bridge',
      { detectLocalMode: 'BridgeInterface', detectLocal: { bridgeInterface: 'cbr0' } },
      { localPods: { kind: 'bridge', name: 'cbr0' } },
    ],
    [
      'masquerading',
      { iptables: { masqueradeAll: true, masqueradeBit: 5 } },
      { masqueradeAll: true, masqueradeBit: 5 },
    ],
    ['of the other mode', { mode: 'nftables', iptables: { masqueradeAll: true } }, { masqueradeAll: false }],
    ['a liberal conntrack', { conntrack: { tcpBeLiberal: true } }, { conntrackTcpLiberal: true }],
    ['null for nothing', { nodePortAddresses: null, iptables: null }, { masqueradeAll: false }],
  ];
  for (const [name, config, expected] of cases) {
    test(name, () => {
      const { options } = compileProxyConfig(config, { family: 'IPv4', node });
      assert.deepEqual({ ...options, ...expected }, options);
    });
  }

  const wrong: readonly [unknown, RegExp][] = [
    [[], /the configuration must be a mapping/],
    [{ mode: 'ipvs' }, /mode must be iptables or nftables, not ipvs/],
    [{ apiVersion: 'v2' }, /apiVersion must be kubeproxy/],
    [{ iptables: { masqueradeBit: 32 } }, /masqueradeBit must be a whole number from 0 to 31/],
    [{ detectLocalMode: 'Guess' }, /detectLocalMode must be ClusterCIDR/],
    [{ nodePortAddresses: [1] }, /nodePortAddresses must be a list of strings/],
  ];
  for (const [config, message] of wrong) {
    test(`refused: ${String(message)}`, () => {
      assert.throws(
        () => compileProxyConfig(config, { family: 'IPv4' }),
        (error) => error instanceof ProxyConfigError && message.test(error.message),
      );
    });
  }
});
