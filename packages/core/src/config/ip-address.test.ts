import assert from 'node:assert/strict';
import { isIPv4, isIPv6 } from 'node:net';
import { test } from 'node:test';
import { fc } from '@steelyard/testkit/properties';
import { parseIpAddress } from './ip-address.ts';

const CANONICAL: readonly [string, string][] = [
  ['10.0.0.1', '10.0.0.1'],
  // kube-proxy's TestBadIPs: leading zeros are decimal.
  ['010.001.0.09', '10.1.0.9'],
  ['::', '::'],
  ['::1', '::1'],
  ['2001:DB8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
  ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
  ['fe80:0000:0000::0001', 'fe80::1'],
  ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0'],
  ['::ffff:10.0.0.1', '::ffff:a00:1'],
];

test('addresses are printed canonically', () => {
  for (const [text, address] of CANONICAL) assert.equal(parseIpAddress(text)?.address, address, text);
});

const WRONG = [
  '',
  '1.2.3',
  '1.2.3.256',
  '1.2.3.4.5',
  '1.2.3.+4',
  '1.2..4',
  '0x1.2.3.4',
  ':',
  ':::',
  '1::2::3',
  '1:2:3:4:5:6:7',
  '1:2:3:4:5:6:7:8:9',
  '::12345',
  '::g',
  '1.2.3.4::',
  'fe80::1%eth0',
  '1:2:3:4:5:6:7:8::',
];

test('what is no address is none', () => {
  for (const text of WRONG) assert.equal(parseIpAddress(text), undefined, text);
});

test('agrees with the operating system on every address, and a canonical form is its own', () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.ipV4(), fc.ipV6(), fc.string({ unit: fc.constantFrom('0', '1', '2', '7', 'a', 'f', ':', '.') })),
      (text) => {
        const parsed = parseIpAddress(text);
        if (isIPv6(text)) assert.equal(parsed?.family, 'IPv6');
        else if (isIPv4(text)) assert.equal(parsed?.family, 'IPv4');
        else if (parsed !== undefined) assert.match(text, /^[0-9.]*0[0-9.]*$/);
        if (parsed === undefined) return;
        assert.equal(parseIpAddress(parsed.address)?.address, parsed.address);
        // URL prints IPv6 as RFC 5952 does.
        if (parsed.family === 'IPv6') assert.equal(`[${parsed.address}]`, new URL(`http://[${text}]`).hostname);
      },
    ),
    { numRuns: 500, seed: 7 },
  );
});
