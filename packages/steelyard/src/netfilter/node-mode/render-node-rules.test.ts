import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { fc } from '@steelyard/testkit/properties';
import { createFakeNft } from './fake-nft.test-bed.ts';
import { createNodeApplier } from './node-applier.ts';
import { compileNodeRules, type NodeRules } from './node-rules.ts';
import { renderNodeTable } from './render-node-rules.ts';

const OPTIONS = { addresses: { IPv4: '192.168.0.2', IPv6: 'fd00::2' }, owner: 7, timeoutMs: 900 };

function rules(...ports: readonly (readonly [address: string, port: number, listenerPort: number])[]): NodeRules {
  return new Map(
    ports.map(([address, port, listenerPort]) => [`${address} . ${port}`, { address, port, listenerPort }]),
  );
}

suite('node mode in nft', () => {
  test('each family has the listener of its own address; without one it stays with kube-proxy', () => {
    const port = { namespace: 'ns', name: 'web', port: 80, addresses: ['10.0.0.1', 'fd00::1'], because: '' };
    const both = compileNodeRules([port], (_, family) => (family === 'IPv4' ? 4000 : 6000));
    assert.deepEqual(
      [...both.values()].map(({ address, listenerPort }) => `${address} ${listenerPort}`),
      ['10.0.0.1 4000', 'fd00::1 6000'],
    );
    const one = compileNodeRules([port], (_, family) => (family === 'IPv4' ? 4000 : undefined));
    assert.deepEqual([...one.keys()], ['10.0.0.1 . 80']);
    assert.doesNotMatch(renderNodeTable(one, { ...OPTIONS, addresses: { IPv4: '192.168.0.2' } }), /ip6|ports6/);
  });

  test("nothing is matched without the heartbeat's element", () => {
    const text = renderNodeTable(rules(['10.0.0.1', 80, 4000]), OPTIONS);
    const bases = text.split(/^ {2}chain /m).filter((chain) => chain.includes('hook'));
    assert.equal(bases.length, 3);
    for (const chain of bases) {
      const statements = chain.split('\n').filter((line) => /^ {4}(?!type)/.test(line));
      assert.ok(statements.length > 0);
      for (const statement of statements) assert.match(statement, /^ {4}meta l4proto @alive /);
    }
    assert.match(text, /^ {2}set alive \{\n {4}type inet_proto\n {4}flags timeout\n {2}\}$/m);
    assert.match(text, /add element inet steelyard-node alive \{ tcp timeout 900ms \}\n$/);
  });

  test("a user of the proxy's own is never redirected", () => {
    const text = renderNodeTable(rules(), { ...OPTIONS, exceptUser: 65_532 });
    assert.match(text, /chain output \{\n.*\n {4}meta skuid 65532 return\n/);
    assert.doesNotMatch(renderNodeTable(rules(), OPTIONS), /skuid/);
  });

  test('a kernel that cannot look up sockets gets rules without', async () => {
    const nft = createFakeNft();
    const run: typeof nft.run = async (command, args, input = '') =>
      /socket/.test(input) ? { code: 1, stdout: '', stderr: 'Not supported' } : nft.run(command, args, input);
    const applier = createNodeApplier(OPTIONS, run);
    await applier.takeOver(rules(['10.0.0.1', 80, 4000]));
    assert.equal(nft.sets?.get('ports4')?.size, 1);
    assert.equal((await applier.heartbeat()).kind, 'held');
  });

  test('whatever changes, the kernel holds what was compiled, by differences that it accepts', async () => {
    const host = fc.constantFrom('10.0.0.1', '10.0.0.2', 'fd00::1', 'fd00::5');
    const entry = fc.tuple(host, fc.integer({ min: 80, max: 82 }), fc.integer({ min: 4000, max: 4004 }));
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(entry, { maxLength: 6 }), { minLength: 1, maxLength: 6 }), async (steps) => {
        const nft = createFakeNft();
        const applier = createNodeApplier(OPTIONS, nft.run);
        await applier.takeOver(rules());
        for (const step of steps) {
          const wanted = rules(...step);
          await applier.update(wanted);
          const held = [...(nft.sets?.get('ports4') ?? []), ...(nft.sets?.get('ports6') ?? [])];
          const expected = [...wanted].map(([key, { listenerPort }]) => `${key},${listenerPort}`);
          assert.deepEqual(held.map(String).toSorted(), expected.toSorted());
          const listeners = ['listeners4', 'listeners6'].map((name) =>
            [...(nft.sets?.get(name)?.keys() ?? [])].toSorted(),
          );
          const ofFamily = (isV6: boolean): string[] => {
            const some = [...wanted.values()].filter(({ address }) => address.includes(':') === isV6);
            return [...new Set(some.map(({ listenerPort }) => `${listenerPort}`))].toSorted();
          };
          assert.deepEqual(listeners, [ofFamily(false), ofFamily(true)]);
        }
      }),
    );
  });
});
