import { type RunTool, runTool, type ToolResult } from '../apply/kernel-tool.ts';
import { ApplyError, mustRun } from '../apply/kernel-tool.ts';
import { NODE_TABLE, type NodeRules } from './node-rules.ts';
import {
  type NodeRuleOptions,
  renderHeartbeat,
  renderIdleGuard,
  renderNodeChange,
  renderNodeCleanup,
  renderNodeTable,
  renderRemoval,
  renderStandDown,
} from './render-node-rules.ts';

export type Hold =
  /** The rules are ours and were renewed; so many connections of pods they have sent to listeners. */
  | { readonly kind: 'held'; readonly handed: number }
  /** Another process has taken over. */
  | { readonly kind: 'taken' }
  /** Somebody removed the table. */
  | { readonly kind: 'gone' };

/** Brings node mode's rules into the kernel, keeps them in effect, and takes them out. Calls must not overlap. */
export interface NodeApplier {
  /** Writes the whole, whoever had the rules before. @throws ApplyError */
  takeOver(rules: NodeRules): Promise<void>;
  /** The same, but only where no other process keeps its rules in effect. @throws ApplyError */
  takeOverIfIdle(rules: NodeRules): Promise<boolean>;
  /** Writes what changed since. @throws ApplyError when the kernel refuses; it has what it had before */
  update(rules: NodeRules): Promise<void>;
  /** @throws ApplyError when the kernel refuses for another reason than {@link Hold} tells */
  heartbeat(): Promise<Hold>;
  /** The rules have no effect any more, unless another process has taken over. */
  standDown(): Promise<void>;
  /** Nothing is left, unless another process's rules are in effect. */
  remove(): Promise<void>;
}

export function createNodeApplier(options: NodeRuleOptions, run: RunTool = runTool): NodeApplier {
  let applied: NodeRules | undefined;
  // A kernel without CONFIG_NFT_SOCKET takes nothing of a table that has it; the rest works there as well.
  let lookUpSocket = options.socketLookup ?? true;
  const table = (rules: NodeRules): string => renderNodeTable(rules, { ...options, socketLookup: lookUpSocket });
  const nft = (script: string): Promise<ToolResult> => run('nft', ['-f', '-'], script);
  const tableExists = async (): Promise<boolean> =>
    (await run('nft', ['list', 'set', ...NODE_TABLE.split(' '), 'owner'])).code === 0;

  return {
    async takeOver(rules) {
      applied = undefined;
      if (!lookUpSocket || (await nft(table(rules))).code !== 0) {
        // Whatever else was the matter is heard of here.
        await mustRun(run, 'nft', ['-f', '-'], renderNodeTable(rules, { ...options, socketLookup: false }));
        lookUpSocket = false;
      }
      applied = rules;
    },
    async takeOverIfIdle(rules) {
      applied = undefined;
      const guard = (await tableExists()) ? renderIdleGuard() : '';
      const result = await nft(guard + table(rules));
      if (result.code === 0) applied = rules;
      else if (!/File exists/.test(result.stderr)) throw refusal(result);
      return result.code === 0;
    },
    async update(rules) {
      const change = renderNodeChange(applied ?? new Map(), rules);
      if (change.length === 0) return;
      // With a heartbeat, which fails when the rules are another process's by now.
      await mustRun(run, 'nft', ['-f', '-'], renderHeartbeat(options, change));
      applied = rules;
    },
    async heartbeat() {
      const result = await nft(renderHeartbeat(options));
      if (result.code === 0) return { kind: 'held', handed: Number(/packets (\d+)/.exec(result.stdout)?.[1] ?? 0) };
      if (!/No such file/.test(result.stderr)) throw refusal(result);
      return { kind: (await tableExists()) ? 'taken' : 'gone' };
    },
    async standDown() {
      await nft(renderStandDown(options));
    },
    async remove() {
      await nft(renderRemoval());
    },
  };
}

function refusal({ stderr, code }: ToolResult): ApplyError {
  const said = stderr.trim().split('\n')[0] ?? '';
  return new ApplyError(`nft failed: ${said === '' ? `exit code ${code}` : said}`);
}

/** Whether a process keeps its rules in effect. @throws ApplyError */
export async function isNodeModeAlive(run: RunTool = runTool): Promise<boolean> {
  const { code, stdout } = await run('nft', ['list', 'set', ...NODE_TABLE.split(' '), 'alive']);
  return code === 0 && stdout.includes('expires');
}

/** Takes node mode's rules away, in effect or not. @throws ApplyError */
export async function cleanUpNodeRules(run: RunTool = runTool): Promise<void> {
  await mustRun(run, 'nft', ['-f', '-'], renderNodeCleanup());
}
