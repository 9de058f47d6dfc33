import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Endpoint, Service, ServiceEntry } from '@steelyard/core/model';
import { serviceKey } from '@steelyard/core/model';
import type { RuleSetOptions } from './rule-options.ts';
import { compileRuleSet } from './compile-rule-set.ts';
import { renderIptables } from '../iptables/render-iptables.ts';

interface TestService extends Partial<Service> {
  readonly portName?: string;
  readonly endpoints?: readonly Endpoint[];
}

function endpoint(address: string, port: number, state: 'ready' | 'terminating' | 'gone' = 'ready'): Endpoint {
  const conditions = { ready: state === 'ready', serving: state !== 'gone', terminating: state !== 'ready' };
  return { address, port, family: address.includes(':') ? 'IPv6' : 'IPv4', conditions };
}

function entry({ portName = 'grpc', endpoints = [], ...fields }: TestService): ServiceEntry {
  const port = { name: portName, protocol: 'TCP', port: 8000, targetPort: 8000 } as const;
  const service: Service = {
    kind: 'Service',
    namespace: 'default',
    name: 'backend',
    type: 'ClusterIP',
    headless: false,
    clusterIps: ['10.97.211.12'],
    ports: [port],
    ...fields,
  };
  return { service, ports: [{ port, endpoints }] };
}

function render(services: readonly TestService[], options: RuleSetOptions = { family: 'IPv4' }): string {
  const entries = services.map(entry);
  const byKey = new Map(entries.map((each) => [serviceKey(each.service.namespace, each.service.name), each]));
  return renderIptables(compileRuleSet({ services: byKey }, options));
}

/** The rules that are about Services, without the frame that is always there. */
function serviceRules(text: string): string[] {
  const rules = text.split('\n').filter((line) => /^-A KUBE-(SERVICES|SVC|SEP)/.test(line));
  return rules.filter((line) => !line.endsWith('-j KUBE-NODEPORTS'));
}

const backend: TestService = {
  endpoints: [endpoint('10.80.128.247', 8000), endpoint('10.80.153.167', 8000), endpoint('10.80.167.226', 8000)],
};

suite('compileRuleSet', () => {
  test("the article's Service, rule by rule", () => {
    assert.deepEqual(
      serviceRules(render([backend], { family: 'IPv4', localPods: { kind: 'network', network: '10.80.0.0/16' } })),
      [
        '-A KUBE-SERVICES -d 10.97.211.12/32 -p tcp -m comment --comment "default/backend:grpc cluster IP" -m tcp --dport 8000 -j KUBE-SVC-EHPSUHUW2JIVMPQD',
        '-A KUBE-SVC-EHPSUHUW2JIVMPQD ! -s 10.80.0.0/16 -d 10.97.211.12/32 -p tcp -m comment --comment "default/backend:grpc cluster IP" -m tcp --dport 8000 -j KUBE-MARK-MASQ',
        '-A KUBE-SVC-EHPSUHUW2JIVMPQD -m comment --comment "default/backend:grpc -> 10.80.128.247:8000" -m statistic --mode random --probability 0.3333333333 -j KUBE-SEP-MPFDKKCFY2PBGU4S',
        '-A KUBE-SVC-EHPSUHUW2JIVMPQD -m comment --comment "default/backend:grpc -> 10.80.153.167:8000" -m statistic --mode random --probability 0.5000000000 -j KUBE-SEP-LMG22MVGXQA364F6',
        '-A KUBE-SVC-EHPSUHUW2JIVMPQD -m comment --comment "default/backend:grpc -> 10.80.167.226:8000" -j KUBE-SEP-EX64MF3TTLO7J5EC',
        '-A KUBE-SEP-MPFDKKCFY2PBGU4S -s 10.80.128.247/32 -m comment --comment "default/backend:grpc" -j KUBE-MARK-MASQ',
        '-A KUBE-SEP-MPFDKKCFY2PBGU4S -p tcp -m comment --comment "default/backend:grpc" -m tcp -j DNAT --to-destination 10.80.128.247:8000',
        '-A KUBE-SEP-LMG22MVGXQA364F6 -s 10.80.153.167/32 -m comment --comment "default/backend:grpc" -j KUBE-MARK-MASQ',
        '-A KUBE-SEP-LMG22MVGXQA364F6 -p tcp -m comment --comment "default/backend:grpc" -m tcp -j DNAT --to-destination 10.80.153.167:8000',
        '-A KUBE-SEP-EX64MF3TTLO7J5EC -s 10.80.167.226/32 -m comment --comment "default/backend:grpc" -j KUBE-MARK-MASQ',
        '-A KUBE-SEP-EX64MF3TTLO7J5EC -p tcp -m comment --comment "default/backend:grpc" -m tcp -j DNAT --to-destination 10.80.167.226:8000',
      ],
    );
  });

  test('the frame around the Services, as iptables-restore reads it', () => {
    assert.equal(
      render([]),
      `*filter
:KUBE-SERVICES - [0:0]
:KUBE-EXTERNAL-SERVICES - [0:0]
:KUBE-FORWARD - [0:0]
:KUBE-NODEPORTS - [0:0]
:KUBE-PROXY-FIREWALL - [0:0]
:KUBE-FIREWALL - [0:0]
-A KUBE-FORWARD -m conntrack --ctstate INVALID -j DROP
-A KUBE-FORWARD -m comment --comment "kubernetes forwarding rules" -m mark --mark 0x4000/0x4000 -j ACCEPT
-A KUBE-FORWARD -m comment --comment "kubernetes forwarding conntrack rule" -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A KUBE-FIREWALL ! -s 127.0.0.0/8 -d 127.0.0.0/8 -m comment --comment "block incoming localnet connections" -m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP
COMMIT
*nat
:KUBE-SERVICES - [0:0]
:KUBE-NODEPORTS - [0:0]
:KUBE-POSTROUTING - [0:0]
:KUBE-MARK-MASQ - [0:0]
-A KUBE-SERVICES -m comment --comment "kubernetes service nodeports; NOTE: this must be the last rule in this chain" -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS
-A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN
-A KUBE-POSTROUTING -j MARK --set-xmark 0x4000/0x0
-A KUBE-POSTROUTING -m comment --comment "kubernetes service traffic requiring SNAT" -j MASQUERADE --random-fully
-A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000
COMMIT
`,
    );
  });

  test("the jumps from the kernel's own chains come when asked for, in the order that insertion leaves", () => {
    const text = renderIptables(compileRuleSet({ services: new Map() }, { family: 'IPv4' }), { builtInChains: true });
    assert.deepEqual(
      text.split('\n').filter((line) => /^(:|-A )(PRE|POST|FOR|OUT|IN)/.test(line)),
      [
        ':INPUT ACCEPT [0:0]',
        ':FORWARD ACCEPT [0:0]',
        ':OUTPUT ACCEPT [0:0]',
        '-A INPUT -j KUBE-FIREWALL',
        '-A INPUT -m conntrack --ctstate NEW -m comment --comment "kubernetes load balancer firewall" -j KUBE-PROXY-FIREWALL',
        '-A INPUT -m comment --comment "kubernetes health check service ports" -j KUBE-NODEPORTS',
        '-A INPUT -m conntrack --ctstate NEW -m comment --comment "kubernetes externally-visible service portals" -j KUBE-EXTERNAL-SERVICES',
        '-A FORWARD -m conntrack --ctstate NEW -m comment --comment "kubernetes load balancer firewall" -j KUBE-PROXY-FIREWALL',
        '-A FORWARD -m comment --comment "kubernetes forwarding rules" -j KUBE-FORWARD',
        '-A FORWARD -m conntrack --ctstate NEW -m comment --comment "kubernetes service portals" -j KUBE-SERVICES',
        '-A FORWARD -m conntrack --ctstate NEW -m comment --comment "kubernetes externally-visible service portals" -j KUBE-EXTERNAL-SERVICES',
        '-A OUTPUT -j KUBE-FIREWALL',
        '-A OUTPUT -m conntrack --ctstate NEW -m comment --comment "kubernetes load balancer firewall" -j KUBE-PROXY-FIREWALL',
        '-A OUTPUT -m conntrack --ctstate NEW -m comment --comment "kubernetes service portals" -j KUBE-SERVICES',
        ':PREROUTING ACCEPT [0:0]',
        ':OUTPUT ACCEPT [0:0]',
        ':POSTROUTING ACCEPT [0:0]',
        '-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES',
        '-A OUTPUT -m comment --comment "kubernetes service portals" -j KUBE-SERVICES',
        '-A POSTROUTING -m comment --comment "kubernetes postrouting rules" -j KUBE-POSTROUTING',
      ],
    );
  });

  test('a Service without endpoints is rejected in the filter table and unknown to nat', () => {
    assert.deepEqual(serviceRules(render([{ endpoints: [endpoint('10.0.0.1', 80, 'gone')] }])), [
      '-A KUBE-SERVICES -d 10.97.211.12/32 -p tcp -m comment --comment "default/backend:grpc has no endpoints" -m tcp --dport 8000 -j REJECT --reject-with icmp-port-unreachable',
    ]);
  });

  const landings: readonly { name: string; endpoints: Endpoint[]; expected: string[] }[] = [
    {
      name: 'ready endpoints only, while there are some',
      endpoints: [endpoint('10.0.0.1', 80), endpoint('10.0.0.2', 80, 'terminating'), endpoint('10.0.0.3', 80, 'gone')],
      expected: ['10.0.0.1:80'],
    },
    {
      name: 'serving and terminating ones when none is ready (KEP-1669)',
      endpoints: [endpoint('10.0.0.2', 80, 'terminating'), endpoint('10.0.0.3', 80, 'gone')],
      expected: ['10.0.0.2:80'],
    },
    {
      name: 'in the order of the plain strings, however they come',
      endpoints: [endpoint('10.0.0.2', 80), endpoint('10.0.0.10', 8080), endpoint('10.0.0.10', 80)],
      expected: ['10.0.0.10:80', '10.0.0.10:8080', '10.0.0.2:80'],
    },
    {
      name: 'of the family only; a ready one of the other family does not count',
      endpoints: [endpoint('fd00::1', 80), endpoint('10.0.0.2', 80, 'terminating')],
      expected: ['10.0.0.2:80'],
    },
  ];
  for (const { name, endpoints, expected } of landings) {
    test(`lands on ${name}`, () => {
      const targets = [...render([{ endpoints }]).matchAll(/--to-destination (\S+)/g)].map(([, target]) => target);
      assert.deepEqual(targets, expected);
    });
  }

  test('IPv6 has rules of its own', () => {
    const service = {
      clusterIps: ['10.0.0.1', 'fd00:1::1'],
      endpoints: [endpoint('fd00::5', 80), endpoint('10.0.0.5', 80)],
    };
    const text = render([service], { family: 'IPv6' });
    assert.match(text, /-d fd00:1::1\/128 .* --dport 8000 -j KUBE-SVC-/);
    assert.match(text, /-s fd00::5\/128 .* -j KUBE-MARK-MASQ/);
    assert.match(text, /--to-destination \[fd00::5\]:80\n/);
    assert.doesNotMatch(text, /10\.0\.0/);
    const rejected = render([{ clusterIps: ['fd00:1::1'] }], { family: 'IPv6' });
    assert.match(rejected, /-j REJECT --reject-with icmp6-port-unreachable/);
  });

  const without: readonly { name: string; service: TestService }[] = [
    { name: 'headless', service: { ...backend, headless: true, clusterIps: [] } },
    { name: 'ExternalName', service: { ...backend, type: 'ExternalName', externalName: 'example.com' } },
    { name: 'an address of the other family only', service: { ...backend, clusterIps: ['fd00::1'] } },
  ];
  for (const { name, service } of without) {
    test(`no rules for ${name}`, () => assert.deepEqual(serviceRules(render([service])), []));
  }

  test('the order follows the names, not the order of arrival; an unnamed port has no colon', () => {
    const services = ['b', 'a'].map((name) => ({ name, portName: '', endpoints: [endpoint('10.0.0.1', 80)] }));
    const comments = [...render(services).matchAll(/-A KUBE-SERVICES .*--comment "(.* cluster IP)"/g)].map(
      ([, text]) => text,
    );
    assert.deepEqual(comments, ['default/a cluster IP', 'default/b cluster IP']);
    assert.equal(render(services), render(services.toReversed()));
  });

  test('with masqueradeAll the mark has no source', () => {
    const marks = serviceRules(
      render([backend], {
        family: 'IPv4',
        masqueradeAll: true,
        localPods: { kind: 'network', network: '10.80.0.0/16' },
      }),
    );
    assert.match(marks[1] ?? '', /^-A KUBE-SVC-EHPSUHUW2JIVMPQD -d 10\.97\.211\.12\/32 .* -j KUBE-MARK-MASQ$/);
  });
});
