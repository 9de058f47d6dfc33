import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InvalidArgumentError } from 'commander';
import {
  parseCidr,
  parseDomain,
  parseDurationMs,
  parseLongDurationMs,
  parseNamespace,
  parseSocketAddress,
  wholeNumber,
} from './option-values.ts';

const accepted: readonly [(text: string) => unknown, string, unknown][] = [
  [parseSocketAddress, '127.0.0.1:8000', { host: '127.0.0.1', port: 8000 }],
  [parseSocketAddress, 'localhost:0', { host: 'localhost', port: 0 }],
  [parseSocketAddress, '[::1]:65535', { host: '::1', port: 65_535 }],
  [parseDurationMs, '500ms', 500],
  [parseDurationMs, '1.5s', 1500],
  [parseDurationMs, '2m', 120_000],
  [parseDurationMs, '1h', 3_600_000],
  [parseDurationMs, '576h', 576 * 3_600_000],
  [parseLongDurationMs, '1000h', 3_600_000_000],
  [parseNamespace, 'kube-system', 'kube-system'],
  [parseDomain, 'Cluster.Local.', 'cluster.local'],
  [parseCidr, '10.244.0.0/16', '10.244.0.0/16'],
  [parseCidr, 'fd00::/48', 'fd00::/48'],
  [wholeNumber(1, 10), '10', 10],
];

for (const [parse, text, value] of accepted) {
  test(`${text} is understood`, () => assert.deepEqual(parse(text), value));
}

const refused: readonly [(text: string) => unknown, readonly string[]][] = [
  [
    parseSocketAddress,
    ['', '8000', ':8000', 'host', 'host:', 'host:x', 'host:65536', '::1:80', '[1.2.3.4]:80', 'a:1:2'],
  ],
  [parseDurationMs, ['', '5', '-5s', '5 s', 's', '5d', '1e3s', '577h', '2147483648ms']],
  [parseLongDurationMs, ['', '5', '5d']],
  [parseNamespace, ['', 'A', 'a.b', '-a', 'a-', 'a'.repeat(64)]],
  [parseDomain, ['', '.', 'a..b', '-a.b', 'a b']],
  [parseCidr, ['', '10.0.0.0', '10.0.0.0/33', '10.0.0/8', 'fd00::/129', '10.0.0.0/8/8', '10.0.0.0/-1']],
  [wholeNumber(1, 10), ['', '0', '11', '1.5', '-1', '0x5', '1e1', ' 5']],
];

for (const [parse, texts] of refused) {
  for (const text of texts) {
    test(`"${text}" is refused by ${parse.name || 'wholeNumber'}`, () => {
      assert.throws(() => parse(text), InvalidArgumentError);
    });
  }
}
