import type { TlsSettings } from '../model/index.ts';
import type { TrafficPolicy, TrafficPolicySettings } from './config-object.ts';
import type { FieldReader } from './field-reader.ts';
import { PORT_NUMBER } from './parse-service.ts';
import { readConnectionPool } from './read-connection-pool.ts';
import { readDurationMs, readNumber } from './read-duration.ts';
import { readLoadBalancer } from './read-load-balancer.ts';
import { readOutlierDetection } from './read-outlier-detection.ts';

const SETTINGS = [
  'loadBalancer',
  'connectionPool',
  'outlierDetection',
  'tls',
  'portLevelSettings',
  'tunnel',
  'proxyProtocol',
  'retryBudget',
];

/** Istio's limit. */
const MOST_PORTS = 4096;

export function parseTrafficPolicy(owner: FieldReader): TrafficPolicy | undefined {
  const policy = owner.mapping('trafficPolicy');
  if (policy === undefined) return undefined;
  // Istio rejects a policy that says nothing.
  if (!SETTINGS.some((field) => policy.has(field))) {
    owner.fail('trafficPolicy', 'invalid-value', 'Field trafficPolicy must say something; fill it or remove it.');
  }
  const settings = readSettings(policy);
  const ports = readPorts(policy);
  if (policy.has('tunnel') && policy.has('proxyProtocol')) {
    policy.fail('proxyProtocol', 'invalid-value', 'It cannot stand beside tunnel; remove one.');
  }
  policy.withoutEffect('it is for TCP only', 'tunnel', 'proxyProtocol');
  policy.finish();
  return { ...settings, ...(ports.size > 0 && { ports }) };
}

function readSettings(policy: FieldReader): TrafficPolicySettings {
  const balancing = readLoadBalancer(policy);
  const connectionPool = readConnectionPool(policy);
  const outlierDetection = readOutlierDetection(policy);
  const retryBudget = readRetryBudget(policy);
  const tls = readTls(policy);
  return {
    ...balancing,
    ...(connectionPool !== undefined && { connectionPool }),
    ...(outlierDetection !== undefined && { outlierDetection }),
    ...(retryBudget !== undefined && { retryBudget }),
    ...(tls !== undefined && { tls }),
  };
}

function readPorts(policy: FieldReader): ReadonlyMap<number, TrafficPolicySettings> {
  const ports = new Map<number, TrafficPolicySettings>();
  const entries = policy.mappings('portLevelSettings') ?? [];
  if (entries.length > MOST_PORTS) {
    policy.fail(
      'portLevelSettings',
      'invalid-value',
      `There may be at most ${MOST_PORTS} portLevelSettings; remove some.`,
    );
  }
  for (const entry of entries) {
    entry.require('port');
    const port = entry.mapping('port');
    port?.require('number');
    const number = port?.integer('number', PORT_NUMBER);
    port?.finish();
    const settings = readSettings(entry);
    entry.finish();
    if (number === undefined) continue;
    if (ports.has(number)) entry.fail('port', 'invalid-value', `Port ${number} occurs twice; remove one.`);
    ports.set(number, settings);
  }
  return ports;
}

function readRetryBudget(policy: FieldReader): TrafficPolicy['retryBudget'] {
  const block = policy.mapping('retryBudget');
  if (block === undefined) return undefined;
  const percent = readNumber(block, 'percent', 0, 100) ?? 20;
  // 0 is no value to Istio (pilot/pkg/networking/core, `applyRetryBudget`).
  const minRetryConcurrency = block.integer('minRetryConcurrency', { min: 0, max: 4_294_967_295 }) || 3;
  const intervalMs = readDurationMs(block, 'budgetInterval', 'zero');
  block.finish();
  return { percent, minRetryConcurrency, ...(intervalMs !== undefined && intervalMs > 0 && { intervalMs }) };
}

const TLS_MODES = ['DISABLE', 'SIMPLE', 'MUTUAL', 'ISTIO_MUTUAL'] as const;

function readTls(policy: FieldReader): TlsSettings | 'DISABLE' | undefined {
  const block = policy.mapping('tls');
  if (block === undefined) return undefined;
  const mode = block.word('mode', TLS_MODES) ?? 'DISABLE';
  const files = ['clientCertificate', 'privateKey', 'caCertificates', 'caCrl', 'credentialName', 'sni'] as const;
  const texts = Object.fromEntries(
    files.flatMap((field) => {
      const text = block.string(field);
      return text === undefined || text === '' ? [] : [[field, text]];
    }),
  );
  const subjectAltNames = block.strings('subjectAltNames') ?? [];
  const insecureSkipVerify = block.boolean('insecureSkipVerify') ?? false;
  block.finish();
  checkTls(block, mode);
  if (mode === 'DISABLE') return 'DISABLE';
  if (mode === 'ISTIO_MUTUAL') {
    block.notHonoured('it needs the certificates that a mesh issues, so calls fail; use MUTUAL and name files', 'mode');
  }
  block.notHonoured('Secrets are not read, so calls fail; mount it and name its files', 'credentialName');
  return { mode, ...texts, subjectAltNames, insecureSkipVerify };
}

/** Istio's validation (pkg/config/validation, `validateTLS`). */
function checkTls(block: FieldReader, mode: (typeof TLS_MODES)[number]): void {
  const given = (field: string): boolean => block.has(field) && block.value(field) !== '';
  if (mode === 'ISTIO_MUTUAL') {
    for (const field of ['clientCertificate', 'privateKey', 'caCertificates']) {
      if (!given(field)) continue;
      block.fail(field, 'invalid-value', `With mode ISTIO_MUTUAL the mesh gives the ${field}; remove it.`);
    }
  }
  if (mode === 'MUTUAL' && !given('credentialName')) {
    for (const field of ['clientCertificate', 'privateKey']) {
      if (!given(field)) block.fail('mode', 'invalid-value', `Mode MUTUAL needs ${field} or credentialName; add one.`);
    }
  }
  if (block.value('insecureSkipVerify') === true && mode !== 'ISTIO_MUTUAL') {
    const checks = ['caCertificates', 'subjectAltNames', ...(mode === 'SIMPLE' ? ['credentialName'] : [])];
    for (const field of checks.filter(given)) {
      block.fail(field, 'invalid-value', `With insecureSkipVerify nothing is checked against ${field}; remove one.`);
    }
  }
  if (given('credentialName') && ['clientCertificate', 'privateKey', 'caCertificates', 'caCrl'].some(given)) {
    block.fail('credentialName', 'invalid-value', 'With credentialName there are no files; remove one or the other.');
  }
}
