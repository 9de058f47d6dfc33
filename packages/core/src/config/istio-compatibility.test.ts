import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { DIAGNOSTIC_KINDS } from './diagnostic-codes.ts';
import {
  DESTINATION_RULE_SAMPLES,
  type FieldSamples,
  VIRTUAL_SERVICE_SAMPLES,
} from './istio-field-samples.test-bed.ts';
import { parseObjects } from './parse-objects.ts';

const page = readFileSync(new URL('../../../../docs/istio-compatibility.md', import.meta.url), 'utf8');

interface Row {
  readonly field: string;
  /** `honoured`, `honoured with a difference`, or `refused` with codes. */
  readonly status: string;
  readonly note: string;
}

function rowsOf(kind: string): readonly Row[] {
  const section = page.split(/^## /m).find((part) => part.startsWith(`${kind}\n`)) ?? '';
  return [...section.matchAll(/^\| `(?<field>[^`]+)` +\| (?<status>[^|]+?) +\| (?<note>[^|]*?) *\|$/gm)].map(
    ({ groups }) => ({
      field: groups?.['field'] ?? '',
      status: groups?.['status'] ?? '',
      note: groups?.['note'] ?? '',
    }),
  );
}

/** What a field needs beside it to be valid. */
const BESIDE: readonly (readonly [RegExp, FieldSamples])[] = [
  [/^http\[\]\.retries\.(?!attempts)/, { 'http[].retries.attempts': 1 }],
  [/^http\[\]\.fault\.abort\.percentage/, { 'http[].fault.abort.grpcStatus': 'ABORTED' }],
  [/^http\[\]\.fault\.delay\.perc/, { 'http[].fault.delay.fixedDelay': '1s' }],
  [/^http\[\]\.rewrite\.uriRegexRewrite\.match/, { 'http[].rewrite.uriRegexRewrite.rewrite': 'a' }],
  [/^http\[\]\.rewrite\.uriRegexRewrite\.rewrite/, { 'http[].rewrite.uriRegexRewrite.match': 'a' }],
  [/^http\[\]\.mirror(\.|P|_)/, { 'http[].mirror.host': 'b' }],
  [/^http\[\]\.mirrors/, { 'http[].mirrors[].destination.host': 'b' }],
  [/^http\[\]\.delegate/, { 'http[].delegate.name': 'd' }],
  [/^http\[\]\.directResponse\.body/, { 'http[].directResponse.status': 200 }],
  [/^(?!http\[\]\.(redirect|directResponse|delegate))/, { 'http[].route[].destination.host': 'b' }],
  [/ignoreUriCase/, { 'http[].match[].uri.exact': '/a' }],
  [
    /consistentHash\.(ringHash|maglev|minimumRingSize)/,
    { 'trafficPolicy.loadBalancer.consistentHash.httpHeaderName': 'h' },
  ],
  [/httpCookie/, { 'trafficPolicy.loadBalancer.consistentHash.httpCookie.name': 'c' }],
  [/distribute/, { 'trafficPolicy.loadBalancer.localityLbSetting.distribute[].from': 'r/*' }],
  [/distribute/, { 'trafficPolicy.loadBalancer.localityLbSetting.distribute[].to.*': 100 }],
  [/localityLbSetting\.failover\[\]/, { 'trafficPolicy.loadBalancer.localityLbSetting.failover[].from': 'r1' }],
  [/localityLbSetting\.failover\[\]/, { 'trafficPolicy.loadBalancer.localityLbSetting.failover[].to': 'r2' }],
  [/zoneAwareLbSetting\.failover\[\]/, { 'trafficPolicy.loadBalancer.zoneAwareLbSetting.failover[].from': 'r1' }],
  [/zoneAwareLbSetting\.failover\[\]/, { 'trafficPolicy.loadBalancer.zoneAwareLbSetting.failover[].to': 'r2' }],
  [/redirectCode/, { 'http[].redirect.uri': '/x' }],
  [/http2KeepAlive/, { 'trafficPolicy.connectionPool.http.http2KeepAlive.interval': '1s' }],
  [/http2KeepAlive/, { 'trafficPolicy.connectionPool.http.http2KeepAlive.timeout': '1s' }],
  [/warmup\./, { 'trafficPolicy.loadBalancer.warmup.duration': '1s' }],
  [/consecutiveLocalOrigin/, { 'trafficPolicy.outlierDetection.splitExternalLocalOriginErrors': true }],
  [/^subsets/, { 'subsets[].name': 's' }],
  [/tls\.(?!mode)/, { 'trafficPolicy.tls.mode': 'SIMPLE' }],
  [/portLevelSettings/, { 'trafficPolicy.portLevelSettings[].port.number': 80 }],
];

/** Puts a value where a path says, making what is missing on the way. */
function put(target: Record<string, unknown>, path: string, value: unknown): void {
  let at = target;
  const steps = path.replaceAll('*', 'x-key').split('.');
  for (const [index, step] of steps.entries()) {
    const isLast = index === steps.length - 1;
    const name = step.replace('[]', '');
    const held = at[name];
    if (isLast) {
      at[name] = value;
    } else if (step.endsWith('[]')) {
      const first: unknown = Array.isArray(held) ? held[0] : undefined;
      const item = isRecord(first) ? first : {};
      at[name] = [item];
      at = item;
    } else {
      const inner = isRecord(held) ? held : {};
      at[name] = inner;
      at = inner;
    }
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function codesOf(kind: string, field: string, value: unknown): readonly string[] {
  const isRule = kind === 'DestinationRule';
  const spec: Record<string, unknown> = isRule ? { host: 'a' } : { hosts: ['a'] };
  for (const [pattern, samples] of BESIDE) {
    if (!pattern.test(field)) continue;
    for (const [beside, sample] of Object.entries(samples)) {
      if (isRule !== beside.startsWith('http')) put(spec, beside, sample);
    }
  }
  put(spec, field, value);
  const object = { apiVersion: 'networking.istio.io/v1', kind, metadata: { name: 'o' }, spec };
  const { diagnostics } = parseObjects([{ file: 'a', value: object, locate: () => undefined }], {
    defaultNamespace: 'n',
  });
  return [...new Set(diagnostics.map(({ code }) => code))].toSorted();
}

for (const [kind, samples] of [
  ['VirtualService', VIRTUAL_SERVICE_SAMPLES],
  ['DestinationRule', DESTINATION_RULE_SAMPLES],
] as const) {
  test(`docs/istio-compatibility.md has a row for every field of a ${kind}`, () => {
    assert.deepEqual(
      rowsOf(kind).map(({ field }) => field),
      Object.keys(samples),
    );
  });

  test(`what it says of each field of a ${kind} is what the field gets`, () => {
    for (const { field, status, note } of rowsOf(kind)) {
      const said = [...status.matchAll(/`(?<code>[a-z-]+)`/g)].map(({ groups }) => groups?.['code'] ?? '').toSorted();
      assert.deepEqual(codesOf(kind, field, samples[field]), said, `${kind} ${field}`);
      assert.equal(
        said.every((code) => Object.hasOwn(DIAGNOSTIC_KINDS, code)),
        true,
        field,
      );
      assert.match(status, /^(?:honoured|honoured with a difference|(?:refused|no effect|deprecated): `.*`)$/, field);
      if (status !== 'honoured') assert.notEqual(note, '', `${field}: a difference needs its reason`);
    }
  });
}
