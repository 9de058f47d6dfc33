import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Snapshot } from '@steelyard/core/model';
import { snapshotOf } from '../compile/random-snapshot.test-bed.ts';
import { deleteFlows, staleFlows } from './stale-flows.ts';

function dns(addresses: readonly string[], protocol = 'UDP'): Snapshot {
  const metadata = { name: 'dns', namespace: 'ns', labels: { 'kubernetes.io/service-name': 'dns' } };
  const ports = [{ name: 'dns', protocol, port: 53, nodePort: 30_053 }];
  const spec = { type: 'NodePort', clusterIP: '172.30.0.10', ports };
  const endpoints = addresses.map((address) => ({ addresses: [address] }));
  return snapshotOf([
    { apiVersion: 'v1', kind: 'Service', metadata, spec },
    {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata,
      addressType: 'IPv4',
      ports: [{ name: 'dns', protocol, port: 53 }],
      endpoints,
    },
  ]);
}

const destination = { protocol: 'UDP', family: 'IPv4', destination: '172.30.0.10', port: 53 } as const;
const nodePort = { protocol: 'UDP', family: 'IPv4', port: 30_053 } as const;

suite('staleFlows', () => {
  const cases: readonly [string, Snapshot | undefined, Snapshot, readonly object[]][] = [
    ['the first Snapshot', undefined, dns(['10.0.0.1']), []],
    ['nothing gone', dns(['10.0.0.1']), dns(['10.0.0.1', '10.0.0.2']), []],
    [
      'a pod gone',
      dns(['10.0.0.1', '10.0.0.2']),
      dns(['10.0.0.2']),
      [
        { ...destination, pod: '10.0.0.1' },
        { ...nodePort, pod: '10.0.0.1' },
      ],
    ],
    ['the first pod come', dns([]), dns(['10.0.0.1']), [destination, nodePort]],
    ['TCP', dns(['10.0.0.1'], 'TCP'), dns([], 'TCP'), []],
    [
      'the Service gone',
      dns(['10.0.0.1']),
      snapshotOf([]),
      [
        { ...destination, pod: '10.0.0.1' },
        { ...nodePort, pod: '10.0.0.1' },
      ],
    ],
  ];
  for (const [name, before, after, expected] of cases) {
    test(name, () => assert.deepEqual(staleFlows('UDP', before, after), expected));
  }

  test('of TCP: pods that are gone, not those that come', () => {
    const gone = staleFlows('TCP', dns(['10.0.0.1', '10.0.0.2'], 'TCP'), dns(['10.0.0.2'], 'TCP'));
    assert.deepEqual(gone, [
      { ...destination, protocol: 'TCP', pod: '10.0.0.1' },
      { ...nodePort, protocol: 'TCP', pod: '10.0.0.1' },
    ]);
    assert.deepEqual(staleFlows('TCP', dns([], 'TCP'), dns(['10.0.0.1'], 'TCP')), []);
  });

  test('are deleted by what conntrack understands', async () => {
    const commands: string[] = [];
    await deleteFlows([{ ...destination, pod: '10.0.0.1' }, nodePort], (command, args) => {
      commands.push([command, ...args].join(' '));
      return Promise.resolve({ code: 1, stdout: '', stderr: '' });
    });
    assert.deepEqual(commands, [
      'conntrack -D -f ipv4 -p udp --orig-port-dst 53 --orig-dst 172.30.0.10 --reply-src 10.0.0.1',
      'conntrack -D -f ipv4 -p udp --orig-port-dst 30053',
    ]);
  });
});
