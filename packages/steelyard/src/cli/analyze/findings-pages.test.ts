import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { analyzeObjects, analyzeWay, createCompiler } from '@steelyard/core/compile';
import { DIAGNOSTIC_KINDS, parseObjects } from '@steelyard/core/config';
import { parseManifest } from '../../kube/parse-manifest.ts';

const FOLDER = new URL('../../../../../docs/findings/', import.meta.url);

/** What the examples are about, as far as they do not say it themselves. */
const AROUND = ['backend', 'other'].flatMap((name, index) => [
  {
    of: `Service/${name}`,
    text: `apiVersion: v1
kind: Service
metadata: { name: ${name} }
spec: { clusterIP: None, ports: [{ name: grpc, port: 8000 }] }
`,
  },
  {
    of: `EndpointSlice/${name}-1`,
    text: `apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: ${name}-1, labels: { kubernetes.io/service-name: ${name} } }
addressType: IPv4
ports: [{ name: grpc, port: 8000 }]
endpoints:
  - { addresses: [10.1.${index}.1], targetRef: { kind: Pod, name: ${name}-a } }
  - { addresses: [10.1.${index}.2], targetRef: { kind: Pod, name: ${name}-b } }
`,
  },
  ...['a', 'b'].map((pod, version) => ({
    of: `Pod/${name}-${pod}`,
    text: `apiVersion: v1
kind: Pod
metadata: { name: ${name}-${pod}, labels: { version: v${version + 1} } }
`,
  })),
]);

function codesOf(example: string): ReadonlySet<string> {
  const own = parseObjects(parseManifest('example.yaml', example), { defaultNamespace: 'default' });
  const said = new Set([
    ...own.objects.map(({ object }) => `${object.kind}/${object.name}`),
    ...own.broken.map(({ ref }) => `${ref?.kind ?? ''}/${ref?.name ?? ''}`),
  ]);
  const rest = AROUND.filter(({ of }) => !said.has(of)).map(({ text }) => text);
  const documents = [...parseManifest('example.yaml', example), ...parseManifest('rest.yaml', rest.join('---\n'))];
  const parsed = parseObjects(documents, { defaultNamespace: 'default' });
  const snapshot = createCompiler().compile(parsed);
  const objects = parsed.objects.map(({ object }) => object);
  const findings = [...snapshot.diagnostics, ...analyzeObjects(snapshot, objects), ...analyzeWay('headless', objects)];
  return new Set(findings.map(({ code }) => code));
}

test('every code has a page, and every page a code', () => {
  const pages = readdirSync(FOLDER).toSorted();
  const codes = Object.keys(DIAGNOSTIC_KINDS).map((code) => `${code}.md`);
  assert.deepEqual(pages, codes.toSorted());
});

for (const [code, { severity, meaning }] of Object.entries(DIAGNOSTIC_KINDS)) {
  test(`docs/findings/${code}.md says what the code says, and its examples hold`, () => {
    const page = readFileSync(new URL(`${code}.md`, FOLDER), 'utf8');
    assert.ok(page.startsWith(`# \`${code}\`\n\n**${severity}.** ${meaning}\n`), 'heading, severity and meaning');
    assert.match(page, /^\*\*What to do\.\*\* /m);
    const examples = [...page.matchAll(/^```yaml\n(?<text>.*?)^```/gms)].map(({ groups }) => groups?.['text'] ?? '');
    // A file that cannot be read has no example.
    if (code === 'source-unreadable') return;
    const [wrong = '', right = ''] = examples;
    assert.equal(examples.length, 2);
    assert.ok(codesOf(wrong).has(code), [...codesOf(wrong)].join());
    assert.ok(!codesOf(right).has(code), 'found where it should not be');
  });
}
