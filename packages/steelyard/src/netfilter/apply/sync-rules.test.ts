import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Snapshot } from '@steelyard/core/model';
import { createManualSource } from '@steelyard/testkit';
import { silentLog } from '../../log.test-bed.ts';
import { ApplyError } from './kernel-tool.ts';
import type { RuleApplier } from './rule-applier.ts';
import type { RuleSet } from '../compile/rule-set.ts';
import { startRuleSync } from './sync-rules.ts';

/** A kernel that notes what it is given, and refuses when told. */
function fakeApplier(): RuleApplier & {
  readonly applied: RuleSet[];
  refuse: boolean;
  intact: boolean;
  next(): Promise<void>;
} {
  let wake = (): void => undefined;
  return {
    applied: [],
    isNew: false,
    refuse: false,
    intact: true,
    next() {
      return new Promise((resolve) => {
        wake = resolve;
      });
    },
    async apply(ruleSet) {
      await Promise.resolve();
      queueMicrotask(() => wake());
      if (this.refuse) throw new ApplyError('refused');
      this.applied.push(ruleSet);
      this.intact = true;
      return { changed: true, complete: false, rules: new Map() };
    },
    async check() {
      await Promise.resolve();
    },
    async isIntact() {
      return Promise.resolve(this.intact);
    },
    async cleanup() {
      await Promise.resolve();
    },
  };
}

const snapshotOf = (version: number): Snapshot => ({
  version,
  clusterDomain: 'cluster.local',
  services: new Map(),
  virtualHosts: new Map(),
  clusters: new Map(),
  diagnostics: [],
});

/** The version of the Snapshot stands in for its rules. */
const ruleSetOf = ({ version }: Snapshot): RuleSet => ({ family: 'IPv4', tables: { [`v${version}`]: new Map() } });
const versions = (applied: readonly RuleSet[]): string[] => applied.flatMap(({ tables }) => Object.keys(tables));

suite('startRuleSync', () => {
  test('writes the newest Snapshot, joins what comes in between, and stops when closed', async () => {
    const [applier, source] = [fakeApplier(), createManualSource(snapshotOf(1))];
    const targets = [{ name: 'fake', family: 'IPv4' as const, applier, compile: ruleSetOf }];
    const sync = startRuleSync({ source, targets, log: silentLog, minSyncMs: 1, checkMs: 1_000_000 });
    await sync.first;
    const written = applier.next();
    for (const version of [2, 3, 4]) source.publish(snapshotOf(version));
    await written;
    assert.deepEqual(versions(applier.applied), ['v1', 'v4']);
    assert.equal(sync.isHealthy(), true);
    await sync.close();
    source.publish(snapshotOf(5));
    assert.deepEqual(versions(applier.applied), ['v1', 'v4']);
  });

  test('repairs what was changed from outside', async () => {
    const [applier, source] = [fakeApplier(), createManualSource(snapshotOf(1))];
    const targets = [{ name: 'fake', family: 'IPv4' as const, applier, compile: ruleSetOf }];
    const sync = startRuleSync({ source, targets, log: silentLog, minSyncMs: 1, checkMs: 1 });
    await sync.first;
    const repaired = applier.next();
    applier.intact = false;
    await repaired;
    assert.deepEqual(versions(applier.applied), ['v1', 'v1']);
    await sync.close();
  });

  test('a refusal is told at the start, and tried again later', async () => {
    const [applier, source] = [fakeApplier(), createManualSource(snapshotOf(1))];
    applier.refuse = true;
    const targets = [{ name: 'fake', family: 'IPv4' as const, applier, compile: ruleSetOf }];
    const sync = startRuleSync({ source, targets, log: silentLog, minSyncMs: 1, checkMs: 1 });
    await assert.rejects(sync.first, ApplyError);
    assert.equal(sync.isHealthy(), false);
    applier.refuse = false;
    applier.intact = false;
    await applier.next();
    assert.deepEqual(versions(applier.applied), ['v1']);
    await sync.close();
    assert.equal(sync.isHealthy(), true);
  });
});
