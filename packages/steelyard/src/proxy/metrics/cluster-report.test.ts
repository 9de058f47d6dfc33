import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ClusterReport, mergeClusters, settleClusters } from './cluster-report.ts';

const MEMBER = { ejected: false, ejections: 1, probe: undefined, warmth: 1, handicap: 1, weight: 0 } as const;

function reportOf(more: Partial<ClusterReport>): ClusterReport {
  return { name: 'a', policy: 'RANDOM', active: 1, waiting: 3, refused: {}, open: [], members: [], ...more };
}

test('reports of several processes add up; what one has taken out counts as out', () => {
  const one = reportOf({
    refused: { maxRequests: 1 },
    open: ['maxRequests'],
    members: [
      { ...MEMBER, key: 'x', ejected: true },
      { ...MEMBER, key: 'y', probe: 'unhealthy' },
    ],
  });
  const other = reportOf({
    refused: { maxRequests: 2, maxConnections: 5 },
    open: ['maxRequests'],
    members: [
      { ...MEMBER, key: 'y', probe: 'healthy', warmth: 0.5, handicap: 2, weight: 4 },
      { ...MEMBER, key: 'x' },
      { ...MEMBER, key: 'z' },
    ],
  });
  assert.deepEqual(mergeClusters([[one, reportOf({ name: 'b' })], [other]]), [
    reportOf({
      active: 2,
      waiting: 6,
      refused: { maxRequests: 3, maxConnections: 5 },
      open: ['maxRequests'],
      members: [
        { ...MEMBER, key: 'x', ejected: true, ejections: 2 },
        { ...MEMBER, key: 'y', probe: 'unhealthy', ejections: 2, warmth: 0.5, handicap: 2, weight: 4 },
        { ...MEMBER, key: 'z' },
      ],
    }),
    reportOf({ name: 'b' }),
  ]);
  assert.deepEqual(settleClusters([one]), [
    reportOf({
      active: 0,
      waiting: 0,
      refused: { maxRequests: 1 },
      members: [
        { ...MEMBER, key: 'x' },
        { ...MEMBER, key: 'y' },
      ],
    }),
  ]);
});
