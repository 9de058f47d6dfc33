import assert from 'node:assert/strict';
import { it } from 'node:test';
import { parseCpuProfile, renderProfile, selfTimes } from './cpu-profile.ts';

const node = (id: number, functionName: string, url = ''): object => ({
  id,
  callFrame: { functionName, url, lineNumber: 9 },
});
const profile = parseCpuProfile(
  JSON.stringify({
    startTime: 1000,
    nodes: [
      node(1, '(idle)'),
      node(2, 'start', 'file:///x/dist/a.js'),
      node(3, '', 'file:///x/dist/b/c.js'),
      node(4, '(program)'),
    ],
    // Between 1015 and 2000: 10 us of the program, 30 of the nameless one, whose sample ended 470 late.
    samples: [2, 2, 3, 1, 4, 1],
    timeDeltas: [0, 10, 10, 500, 10, 10],
  }),
);

it('takes the self times of a part of a profile, without what was idle', () => {
  assert.deepEqual(selfTimes(profile, 1015, 2000), [
    { what: '(anonymous) b/c.js:10', share: 0.75 },
    { what: '(program)', share: 0.25 },
  ]);
  assert.match(
    renderProfile('1x1', selfTimes(profile, 1015, 2000), 0.4),
    /^1x1\n 40\.0 % .*\n 75\.0 % {2}\(anonymous\) b\/c\.js:10\n/,
  );
});

it('refuses what is no profile', () => {
  assert.throws(() => parseCpuProfile('{"nodes":[]}'), /not one/);
});
