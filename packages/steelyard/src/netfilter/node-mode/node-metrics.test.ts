import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readWorkspaceFile } from '@steelyard/testkit';
import { renderNodeMetrics } from './node-metrics.ts';

const counts = { redirects: 3, heartbeats: 40, heartbeatFailures: 1, lapses: 2, takeovers: 5, blocks: 6 };
const choice = { balanced: [], left: [] };

test('what node mode counts, and whether its rules hold', () => {
  const text = renderNodeMetrics({ phase: 'owner', choice, counts });
  assert.match(text, /^# TYPE steelyard_node_heartbeats_total counter\nsteelyard_node_heartbeats_total 40$/m);
  assert.match(text, /^steelyard_node_rules_in_effect 1$/m);
  for (const phase of ['standby', 'lapsing', 'left'] as const) {
    assert.match(renderNodeMetrics({ phase, choice, counts }), /^steelyard_node_rules_in_effect 0$/m);
  }
});

test('docs/node.md has every metric, and no other', () => {
  const documented = [...readWorkspaceFile('docs/node.md').matchAll(/^\| `(steelyard_node_\w+)`/gm)];
  const rendered = [...renderNodeMetrics({ phase: 'owner', choice, counts }).matchAll(/^(steelyard_\w+) /gm)];
  assert.deepEqual(
    documented.map(([, name]) => name),
    rendered.map(([, name]) => name),
  );
});
