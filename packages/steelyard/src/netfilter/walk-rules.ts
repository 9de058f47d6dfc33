import { chanceOf } from './matching.ts';
import type { PacketState } from './matching.ts';
import type { Outcome, Packet } from './packet.ts';
import type { Chain, Rule, RuleSet, TableName, Verdict } from './rule-set.ts';
import { unknownKind } from './unknown-kind.ts';

/** A rule set that contradicts itself: a jump to a chain that is not there, or in a circle. The kernel would not load it. */
export class RuleSetError extends Error {
  override readonly name = 'RuleSetError';
  readonly code: string;

  constructor(code: 'netfilter.chain-missing' | 'netfilter.chain-loop', message: string) {
    super(message);
    this.code = code;
  }
}

/** The kernel's chains that the first packet of a connection passes, in order, by where it comes from. */
const STAGES: Record<'pod' | 'host', readonly (readonly [TableName, string])[]> = {
  pod: [
    ['nat', 'PREROUTING'],
    ['filter', 'FORWARD'],
    ['nat', 'POSTROUTING'],
  ],
  host: [
    ['nat', 'OUTPUT'],
    ['filter', 'OUTPUT'],
    ['nat', 'POSTROUTING'],
  ],
};

/** Where a packet is: the next rule of a chain, and where a return leads. */
interface Position {
  readonly stage: number;
  readonly chain: Chain | undefined;
  readonly index: number;
  readonly caller: Position | undefined;
}

/** A packet at a rule, having come there with some probability. */
interface Branch {
  readonly position: Position;
  readonly packet: PacketState;
  readonly probability: number;
}

/** Which way to go at a rule that applies by chance. `both` follows each with its share of the probability. */
export type Chooser = (chance: number) => 'apply' | 'skip' | 'both';

/**
 * Interprets the rules, and nothing but the rules, for the first packet of a connection, and hands every outcome that
 * `choose` lets happen to `arrive`, with its probability.
 */
export function walkRules(
  ruleSet: RuleSet,
  packet: Packet,
  choose: Chooser,
  arrive: (outcome: Outcome, probability: number) => void,
): void {
  const stages = STAGES[packet.origin ?? 'pod'];
  const enter = (stage: number): Position => {
    const [table, name] = stages[stage] ?? [];
    const chain = table === undefined || name === undefined ? undefined : ruleSet.tables[table].get(name);
    return { stage, chain, index: 0, caller: undefined };
  };

  const { source, destination, port, protocol } = packet;
  const start: PacketState = { source, destination, port, protocol, mark: 0, rewritten: false, masqueraded: false };
  const open: Branch[] = [{ position: enter(0), packet: start, probability: 1 }];
  for (let branch = open.pop(); branch !== undefined; branch = open.pop()) {
    const { position, packet: state, probability } = branch;
    const rule = position.chain?.rules[position.index];
    if (rule === undefined) {
      // The end of a chain of ours returns; the end of a kernel's chain accepts: on to the next stage.
      const next = position.caller ?? (position.stage + 1 < stages.length ? enter(position.stage + 1) : undefined);
      if (next === undefined) arrive(outcomeOf(state), probability);
      else open.push({ position: next, packet: state, probability });
      continue;
    }
    const chance = chanceOfRule(rule, state);
    const choice = chance > 0 && chance < 1 ? choose(chance) : chance === 1 ? 'apply' : 'skip';
    const after: Position = { ...position, index: position.index + 1 };
    if (choice !== 'apply') {
      const share = choice === 'both' ? 1 - chance : 1;
      open.push({ position: after, packet: state, probability: probability * share });
    }
    if (choice !== 'skip') {
      const share = choice === 'both' ? chance : 1;
      follow(rule.verdict, after, state, probability * share);
    }
  }

  function follow(verdict: Verdict, after: Position, state: PacketState, probability: number): void {
    const go = (position: Position, changed: PacketState): void => {
      open.push({ position, packet: changed, probability });
    };
    switch (verdict.kind) {
      case 'jump':
        return go(jump(verdict.chain, after), state);
      case 'setMark':
        return go(after, { ...state, mark: (state.mark & ~verdict.mask) ^ verdict.value });
      case 'return':
        return go(after.caller ?? enter(after.stage + 1), state);
      case 'accept':
        return go(enter(after.stage + 1), state);
      case 'dnat':
        return go(enter(after.stage + 1), {
          ...state,
          destination: verdict.address,
          port: verdict.port,
          rewritten: true,
        });
      case 'masquerade':
        return go(enter(after.stage + 1), { ...state, masqueraded: true });
      case 'reject':
      case 'drop':
        return arrive({ kind: verdict.kind }, probability);
      default:
        return unknownKind(verdict);
    }
  }

  function jump(name: string, after: Position): Position {
    const table = stages[after.stage]?.[0] ?? 'nat';
    const chain = ruleSet.tables[table].get(name);
    if (chain === undefined) {
      throw new RuleSetError(
        'netfilter.chain-missing',
        `table ${table}: rule ${after.index} of ${after.chain?.name ?? name} jumps to ${name}, which does not exist`,
      );
    }
    for (let at: Position | undefined = after; at !== undefined; at = at.caller) {
      if (at.chain === chain) {
        throw new RuleSetError('netfilter.chain-loop', `table ${table}: chain ${name} jumps back to itself`);
      }
    }
    return { stage: after.stage, chain, index: 0, caller: after };
  }
}

function chanceOfRule(rule: Rule, packet: PacketState): number {
  let chance = 1;
  for (const match of rule.matches) {
    chance *= chanceOf(match, packet);
    if (chance === 0) break;
  }
  return chance;
}

function outcomeOf({ destination, port, rewritten, masqueraded }: PacketState): Outcome {
  return rewritten ? { kind: 'dnat', address: destination, port, masqueraded } : { kind: 'pass', masqueraded };
}
