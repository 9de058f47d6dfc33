// Whatever a user gets wrong: exit code 2, one line that names the place, no stack trace.
import assert from 'node:assert/strict';
import { chmod } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { listenLocal } from '@steelyard/testkit';
import type { CliResult } from './cli.test-bed.ts';
import { EXAMPLE, folderWith, runCli } from './cli.test-bed.ts';

function assertRefused(result: CliResult, message: RegExp): void {
  const { code, stdout, stderr } = result;
  assert.equal(code, 2, stderr);
  assert.equal(stdout, '');
  assert.match(stderr, /^error: [^\n]+\n$/, 'one line');
  assert.match(stderr, message);
  assert.doesNotMatch(stderr, /^\s+at /m);
}

const usage: readonly [string, readonly string[], RegExp][] = [
  ['an unknown command', ['frobnicate'], /unknown command 'frobnicate'/],
  ['a misspelt command', ['prox'], /unknown command 'prox' \(Did you mean proxy\?\)/],
  ['an unknown option', ['lab', '--frob'], /unknown option '--frob'/],
  ['an option without its value', ['lab', '--calls'], /--calls <n>' argument missing/],
  ['a superfluous word', ['lab', 'now'], /too many arguments/],
  ['a number that is none', ['lab', '--calls', 'many'], /--calls.*'many' is invalid.*whole number from 1 to/],
  ['no calls', ['lab', '--calls', '0'], /whole number from 1 to/],
  ['a seed beyond 32 bits', ['lab', '--seed', '4294967296'], /whole number from 0 to 4294967295/],
  ['an unknown way', ['lab', '--way', 'tunnel'], /--way tunnel: there is no such way; choose service, headless, proxy/],
  ['an unknown output', ['lab', '-o', 'xml'], /Allowed choices are table, json, yaml/],
  ['an unknown log level', ['lab', '--log-level', 'loud'], /Allowed choices are debug, info, warn, error/],
  ['a bad namespace', ['lab', '-n', 'Not_One'], /Write a namespace/],
  [
    'an unknown Service',
    ['lab', '--service', 'nope'],
    /--service nope: no Service default\/nope; there is default\/backend/,
  ],
  ['a Service without that port', ['lab', '--service', 'backend:9'], /has no such TCP port; it has 8000/],
  ['a headless Service for the lab', ['lab', '--service', 'backendh'], /backendh\.yaml:\d+:\d+: .* has no ClusterIP/],
  ['a kubeconfig', ['lab', '--kubeconfig', '/none/config'], /\/none\/config: there is no such kubeconfig/],
  [
    'a context',
    ['dns', '--listen', '127.0.0.1:0', '--context', 'x', '--kubeconfig', '/none/config'],
    /^error: \/none\/config: there is no such kubeconfig\n$/,
  ],
  ['a proxy without an address', ['proxy', '-f', EXAMPLE], /required option '--listen <host:port>'/],
  ['a proxy without manifests', ['proxy', '--listen', '127.0.0.1:0'], /no manifests: give -f PATH/],
  ['an address without a port', ['proxy', '-f', EXAMPLE, '--listen', '127.0.0.1'], /Write HOST:PORT/],
  ['a port too high', ['proxy', '-f', EXAMPLE, '--listen', '127.0.0.1:65536'], /Write HOST:PORT/],
  [
    'a time without a unit',
    ['proxy', '--listen', '127.0.0.1:0', '--drain-timeout', '5'],
    /Write a number and its unit/,
  ],
  [
    'a proxy for an unknown Service',
    ['proxy', '-f', EXAMPLE, '--listen', '127.0.0.1:0', '--service', 'nope.default:1'],
    /--service nope\.default:1: no Service default\/nope; there is/,
  ],
  [
    'an address this machine does not have',
    ['proxy', '-f', EXAMPLE, '--listen', '192.0.2.1:8000'],
    /cannot listen on 192\.0\.2\.1:8000: this machine does not have the address/,
  ],
  ['a zone that is none', ['dns', '-f', EXAMPLE, '--listen', '127.0.0.1:0', '--zone', 'a..b'], /Write a domain/],
  [
    'DNS on an address this machine does not have',
    ['dns', '-f', EXAMPLE, '--listen', '192.0.2.1:5353'],
    /192\.0\.2\.1:5353.*no such address/,
  ],
  [
    'rules of another mode',
    ['service-rules', '-f', EXAMPLE, '--mode', 'ipvs'],
    /Allowed choices are iptables, nftables/,
  ],
  [
    'rules to write and to remove',
    ['service-rules', '-f', EXAMPLE, '--apply', '--cleanup'],
    /--apply and --cleanup: give one of them/,
  ],
  ['no configuration', ['service-rules', '-f', EXAMPLE, '--config', '/none'], /--config \/none: no such file/],
  [
    'manifests for a configuration',
    ['service-rules', '-f', EXAMPLE, '--config', `${EXAMPLE}/backend.yaml`],
    /backend\.yaml: it must be one document, a KubeProxyConfiguration/,
  ],
  ['help for no command', ['help', 'nope'], /help nope: there is no such command; there is lab, proxy,/],
  ['the node way without a kernel', ['lab', '--way', 'node'], /--way node: .* run with --kernel, as root/],
  [
    'a dump of another form',
    ['explain', '--nft', `${EXAMPLE}/backend.yaml`],
    /--nft .*backend\.yaml: the rules send no address to pods \(.*nft -j list ruleset\)/,
  ],
  [
    'a proxy that is not there',
    ['explain', 'a.b:1/c.D/e', '--admin', '127.0.0.1:1'],
    /--admin 127\.0\.0\.1:1: nobody listens there/,
  ],
  ['a client that is no address', ['explain', '--nft', 'a', '--from', 'me'], /--from me: write an IP address/],
  ['no dump', ['explain', '--nft', '/none'], /--nft \/none: .*ENOENT/],
  ['two dumps', ['explain', '--nft', 'a', '--iptables-save', 'b'], /give --iptables-save or --nft, not both/],
  [
    'a Service without rules',
    ['explain', '-f', EXAMPLE, 'nope'],
    /nope: no such Service in the rules; there is default\/backend/,
  ],
  ['rules without manifests', ['service-rules'], /no manifests/],
  ['a network that is none', ['service-rules', '-f', EXAMPLE, '--cluster-cidr', '10.0.0.0/33'], /Write a network/],
  ['a path that is not there', ['lab', '-f', 'no/such/folder'], /no\/such\/folder: no such file or folder/],
  ['a path below a file', ['lab', '-f', `${EXAMPLE}/backend.yaml/x`], /a part of the path is not a folder/],
];

for (const [name, args, message] of usage) {
  test(`refused: ${name}`, async () => assertRefused(await runCli(args), message));
}

const SERVICE = `apiVersion: v1
kind: Service
metadata: { name: api }
spec: { clusterIP: 10.1.0.1, ports: [{ name: grpc, port: 8000 }] }
`;

const manifests: readonly [string, string, RegExp][] = [
  ['invalid YAML', 'a: [1\n', /bad\.yaml:\d+:\d+: error: /],
  ['what is no object', 'hello\n', /bad\.yaml:1:1: error: .* not the string "hello"/],
  [
    'nothing but unknown kinds',
    'apiVersion: x/v1\nkind: Frob\nmetadata: { name: f }\n',
    /bad\.yaml:\d+:\d+: .*Frob of x\/v1/,
  ],
  [
    'a wrong type',
    SERVICE.replace('8000', 'eight'),
    /bad\.yaml:4:\d+: error: Service default\/api spec\.ports\[0\]\.port/,
  ],
  ['two of one name', `${SERVICE}---\n${SERVICE}`, /bad\.yaml:6:1: error: .*default\/api is defined at/],
  ['no endpoints', SERVICE, /bad\.yaml:1:1: Service default\/api:8000 has no endpoints/],
];

for (const [name, text, message] of manifests) {
  test(`refused: manifests with ${name}`, async (t) => {
    const folder = await folderWith(t, { 'bad.yaml': text });
    assertRefused(await runCli(['lab', '-f', folder]), message);
  });
}

test('refused: manifests with an error beside good ones, where the answer would mislead', async (t) => {
  const folder = await folderWith(t, { 'bad.yaml': 'a: [1\n' });
  for (const command of ['lab', 'service-rules']) {
    assertRefused(await runCli([command, '-f', EXAMPLE, '-f', folder]), /bad\.yaml:\d+:\d+: error: /);
  }
});

test('refused: a folder without manifests', async (t) => {
  const folder = await folderWith(t, { 'notes.txt': 'nothing' });
  for (const command of ['lab', 'analyze']) {
    assertRefused(await runCli([command, '-f', folder]), /there is no manifest \(of a folder its \*\.yaml/);
  }
});

test('refused: nothing on standard input', async () => {
  assertRefused(await runCli(['lab', '-f', '-'], ''), /^error: stdin: there is no manifest/);
});

test('refused: an unreadable folder', { skip: process.getuid?.() === 0 && 'root may read everything' }, async (t) => {
  const folder = await folderWith(t, {});
  await chmod(folder, 0);
  t.after(() => chmod(folder, 0o700));
  assertRefused(await runCli(['lab', '-f', folder]), /permission denied/);
  assertRefused(await runCli(['lab', '-f', join(folder, 'x.yaml')]), /permission denied/);
});

test('refused: a port in use', async (t) => {
  const squatter = createServer();
  const listen = `127.0.0.1:${await listenLocal(squatter)}`;
  t.after(() => squatter.close());
  for (const command of ['proxy', 'dns']) {
    const result = await runCli([command, '-f', EXAMPLE, '--listen', listen]);
    assertRefused(result, new RegExp(`${listen}.*(the address is in use|another process uses this port)`));
  }
});
