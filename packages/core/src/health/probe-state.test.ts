import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProbeState } from './probe-state.ts';

const CHECK = { unhealthyThreshold: 3, healthyThreshold: 2 };

/** `+` is a check that passed; at each place, whether the endpoint went or came back. */
function run(checks: string): { readonly turns: string; readonly state: string } {
  const probe = new ProbeState();
  const turns = checks
    .split('')
    .map((check) => (probe.record(check === '+', CHECK) ? probe.state[0] : '.'))
    .join('');
  return { turns, state: probe.state };
}

for (const [name, checks, turns, state] of [
  ['it takes calls before the first answer', '', '', 'unchecked'],
  ['the first success is enough', '+', '.', 'healthy'],
  ['so many failures in a row take it out', '---', '..u', 'unhealthy'],
  ['after a success as well', '+---', '...u', 'unhealthy'],
  ['a success between starts the count again', '--+--', '.....', 'healthy'],
  ['so many successes in a row let it back in', '---+-++', '..u...h', 'healthy'],
] as const) {
  test(`active checks: ${name}`, () => assert.deepEqual(run(checks), { turns, state }));
}
