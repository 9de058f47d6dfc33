import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { probabilityText, storedProbability } from './probability.ts';

suite('probabilities', () => {
  // Written as by Go's %0.10f; kept by the kernel as a multiple of 2^-31, which iptables-save prints with 11 decimals.
  const table = [
    { remaining: 1, text: '1.0000000000', saved: '1.00000000000' },
    { remaining: 2, text: '0.5000000000', saved: '0.50000000000' },
    { remaining: 3, text: '0.3333333333', saved: '0.33333333349' },
    { remaining: 7, text: '0.1428571429', saved: '0.14285714272' },
    { remaining: 1000, text: '0.0010000000', saved: '0.00100000016' },
    // The tie that Go rounds to even: 1/2048 = 0.00048828125.
    { remaining: 2048, text: '0.0004882812', saved: '0.00048828125' },
    { remaining: 4096, text: '0.0002441406', saved: '0.00024414062' },
  ];
  for (const { remaining, text, saved } of table) {
    test(`one of ${remaining} is ${text}, kept as ${saved}`, () => {
      assert.equal(probabilityText(remaining), text);
      assert.ok(
        Math.abs(storedProbability(Number(text)) - Number(saved)) <= 1e-11,
        `${storedProbability(Number(text))}`,
      );
    });
  }

  test('the written text is what a number read from it prints again', () => {
    for (let remaining = 1; remaining <= 5000; remaining++) {
      const text = probabilityText(remaining);
      assert.equal(Number(text).toFixed(10), text);
    }
  });

  test('the five digits of an older kube-proxy are what the article shows', () => {
    assert.equal(storedProbability(0.33333).toFixed(11), '0.33332999982');
  });
});
