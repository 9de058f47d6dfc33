import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { createCompiler } from '../compile/index.ts';
import { parseObjects } from './index.ts';

function compiled(...cidrs: readonly (readonly string[])[]): ReturnType<ReturnType<typeof createCompiler>['compile']> {
  const documents = cidrs.map((networks, index) => ({
    value: {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'ServiceCIDR',
      metadata: { name: `cidr-${index}` },
      spec: { cidrs: networks },
    },
    file: 'cidrs.yaml',
    locate: () => undefined,
  }));
  return createCompiler().compile(parseObjects(documents, { defaultNamespace: 'default' }));
}

suite('ServiceCIDR', () => {
  test('none: nothing is known', () => {
    assert.equal(compiled().serviceCidrs, undefined);
  });

  test('of all objects, each network once, canonical', () => {
    const { serviceCidrs, diagnostics } = compiled(['10.96.0.0/12'], ['10.96.0.0/12', 'FD00:0:0::/108']);
    assert.deepEqual(serviceCidrs, ['10.96.0.0/12', 'fd00::/108']);
    assert.deepEqual(diagnostics, []);
  });

  for (const text of ['10.96.0.0', '10.96.0.0/33', 'ten/8', '10.0.0.0/8/8', '10.0.0.0/-1']) {
    test(`refused: ${text}`, () => {
      const { serviceCidrs, diagnostics } = compiled([text]);
      assert.equal(serviceCidrs, undefined);
      assert.match(diagnostics[0]?.message ?? '', /^A network is written ADDRESS\/BITS/);
    });
  }
});
