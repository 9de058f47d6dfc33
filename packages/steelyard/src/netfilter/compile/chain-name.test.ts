import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Protocol } from '@steelyard/core/model';
import { addressPortOf, endpointChainName, serviceChainName, servicePortName } from './chain-name.ts';

suite('chain names', () => {
  // The article's Service, and the vector of kube-proxy's own TestOverallIPTablesRules.
  const services: readonly { port: string; protocol: Protocol; chain: string }[] = [
    { port: 'default/backend:grpc', protocol: 'TCP', chain: 'KUBE-SVC-EHPSUHUW2JIVMPQD' },
    { port: 'ns1/svc1:p80', protocol: 'TCP', chain: 'KUBE-SVC-XPGD46QRK7WJZT7O' },
  ];
  for (const { port, protocol, chain } of services) {
    test(`${port}/${protocol} is ${chain}`, () => assert.equal(serviceChainName(port, protocol), chain));
  }

  const endpoints: readonly { port: string; endpoint: string; chain: string }[] = [
    { port: 'default/backend:grpc', endpoint: '10.80.128.247:8000', chain: 'KUBE-SEP-MPFDKKCFY2PBGU4S' },
    { port: 'default/backend:grpc', endpoint: '10.80.153.167:8000', chain: 'KUBE-SEP-LMG22MVGXQA364F6' },
    { port: 'default/backend:grpc', endpoint: '10.80.167.226:8000', chain: 'KUBE-SEP-EX64MF3TTLO7J5EC' },
    { port: 'ns1/svc1:p80', endpoint: '10.180.0.1:80', chain: 'KUBE-SEP-SXIVWICOYRO3J4NJ' },
  ];
  for (const { port, endpoint, chain } of endpoints) {
    test(`${port} at ${endpoint} is ${chain}`, () => assert.equal(endpointChainName(port, 'TCP', endpoint), chain));
  }

  test('the protocol is part of the name', () => {
    assert.notEqual(serviceChainName('a/b:c', 'UDP'), serviceChainName('a/b:c', 'TCP'));
  });

  test('an unnamed port leaves no colon', () => {
    assert.equal(servicePortName('ns', 'svc', ''), 'ns/svc');
    assert.equal(servicePortName('ns', 'svc', 'p'), 'ns/svc:p');
  });

  test('IPv6 stands in brackets', () => {
    assert.equal(addressPortOf('10.0.0.1', 80), '10.0.0.1:80');
    assert.equal(addressPortOf('fd00::1', 80), '[fd00::1]:80');
  });
});
