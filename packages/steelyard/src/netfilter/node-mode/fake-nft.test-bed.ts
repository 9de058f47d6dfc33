// nft and the kernel behind it, as far as node mode's table goes: transactions that happen as a whole or not at all.
import type { RunTool } from '../apply/kernel-tool.ts';
import { NODE_TABLE } from './node-rules.ts';

type Sets = ReadonlyMap<string, ReadonlyMap<string, string>>;

export interface FakeNft {
  readonly run: RunTool;
  /** Elements by set; a set's element has no value. `undefined`: there is no table. */
  readonly sets: Sets | undefined;
  readonly scripts: readonly string[];
  /** What the kernel does by itself when nobody renews. */
  expire(): void;
  /** Somebody else removes the table. */
  removeTable(): void;
  /** Answers every transaction with this error instead. */
  refusal: string | undefined;
  /** Connections of pods that the rules have sent to listeners. */
  handed: number;
  /** Resolves after the next transaction. */
  next(): Promise<void>;
}

const [FAMILY = '', TABLE = ''] = NODE_TABLE.split(' ');

export function createFakeNft(): FakeNft {
  let sets: Sets | undefined;
  const scripts: string[] = [];
  let waiters: (() => void)[] = [];
  const nft: FakeNft = {
    scripts,
    refusal: undefined,
    handed: 0,
    get sets() {
      return sets;
    },
    expire() {
      if (sets !== undefined) sets = new Map<string, ReadonlyMap<string, string>>([...sets, ['alive', new Map()]]);
    },
    removeTable() {
      sets = undefined;
    },
    next() {
      return new Promise((resolve) => waiters.push(resolve));
    },
    async run(_command, args, input = '') {
      await Promise.resolve();
      if (args[0] === 'list') {
        const elements = sets?.get(args[4] ?? '');
        return { code: elements === undefined ? 1 : 0, stdout: (elements?.size ?? 0) > 0 ? 'expires' : '', stderr: '' };
      }
      scripts.push(input);
      const result = nft.refusal ?? apply(input);
      const woken = waiters;
      waiters = [];
      setImmediate(() => woken.forEach((wake) => wake()));
      return {
        code: result === undefined ? 0 : 1,
        stdout: `packets ${nft.handed}`,
        stderr: result === undefined ? '' : `Error: ${result}`,
      };
    },
  };

  /** Why not. */
  function apply(script: string): string | undefined {
    let next = sets && new Map([...sets].map(([name, elements]) => [name, new Map(elements)]));
    const blocks = new RegExp(String.raw`^table ${NODE_TABLE} \{\n([^]*?)\n\}$`, 'm');
    const declared = blocks.exec(script)?.[1] ?? '';
    for (const line of script.replace(blocks, 'declare').trim().split('\n')) {
      if (line === `add table ${NODE_TABLE}`) next ??= new Map();
      else if (line === `delete table ${NODE_TABLE}`) next = undefined;
      else if (line.startsWith('list ')) continue;
      else if (line === 'declare') {
        const names = [...declared.matchAll(/^ {2}(?:set|map) (\w+)/gm)].map(([, name = '']) => name);
        next = new Map(names.map((name) => [name, new Map<string, string>()]));
      } else {
        const words = new RegExp(`^(\\w+) (?:element|set) ${FAMILY} ${TABLE} (\\w+)(?: \\{ (.*) \\})?$`).exec(line);
        const [, verb, set = '', list = ''] = words ?? [];
        const elements = next?.get(set);
        if (verb === undefined || elements === undefined) return `No such file or directory: ${line}`;
        if (verb === 'flush') elements.clear();
        for (const element of verb === 'flush' ? [] : list.split(', ')) {
          const [key = '', value = ''] = element.split(/ : | (?=timeout)/);
          if (verb === 'delete' && !elements.delete(key)) return `No such file or directory: ${line}`;
          if (verb === 'create' && elements.has(key)) return `File exists: ${line}`;
          if (verb === 'add' && (elements.get(key) ?? value) !== value) return `File exists: ${line}`;
          if (verb !== 'delete') elements.set(key, value);
        }
      }
    }
    sets = next;
    return undefined;
  }
  return nft;
}
