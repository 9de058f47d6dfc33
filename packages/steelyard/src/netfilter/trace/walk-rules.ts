import { IPTABLES_HOOKS } from '../compile/chain-hooks.ts';
import type { PacketState, Surroundings } from './matching.ts';
import { chanceOf, isLocal, lookupKey } from './matching.ts';
import { canonicalAddress } from '../compile/network.ts';
import type { Outcome, Packet, TraceContext } from './packet.ts';
import { shareOf } from './probability.ts';
import type { Chain, Effect, Hook, HookedChain, Rule, RuleSet, Verdict } from '../compile/rule-set.ts';
import { setKey } from '../compile/rule-set.ts';
import { unknownKind } from '../unknown-kind.ts';

/** A rule set that contradicts itself: a jump to a chain that is not there, or in a circle. The kernel would not load it. */
export class RuleSetError extends Error {
  override readonly name = 'RuleSetError';
  readonly code: string;

  constructor(code: 'netfilter.chain-missing' | 'netfilter.chain-loop', message: string) {
    super(message);
    this.code = code;
  }
}

/** A chain that the kernel enters, and the hooks still to come. */
interface Stage {
  readonly hook: Hook;
  readonly index: number;
  /** A packet that the node sends to itself: it has left through OUTPUT and comes in again. */
  readonly looped: boolean;
}

/** Where a packet is: the next rule of a chain, and where a return leads. */
interface Position {
  readonly stage: Stage;
  readonly at: HookedChain;
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
  context: TraceContext = {},
): void {
  const hooks = ruleSet.hooks ?? IPTABLES_HOOKS;
  const around: Surroundings = { ...context, sets: ruleSet.sets };
  const open: Branch[] = [];
  const origin = packet.origin ?? 'pod';
  const start: PacketState = {
    source: canonicalAddress(packet.source),
    destination: canonicalAddress(packet.destination),
    port: packet.port,
    protocol: packet.protocol,
    origin,
    inputInterface: packet.inputInterface,
    mark: 0,
    rewritten: false,
    masqueraded: false,
    remembers: undefined,
  };
  enter({ hook: origin === 'host' ? 'output' : 'prerouting', index: 0, looped: false }, start, 1);
  for (let branch = open.pop(); branch !== undefined; branch = open.pop()) step(branch);

  /** Goes into the next chain that there is, from `stage` on. */
  function enter(stage: Stage, state: PacketState, probability: number): void {
    for (let next: Stage | undefined = stage; next !== undefined;) {
      const at: HookedChain | undefined = hooks[next.hook][next.index];
      const chain = at === undefined ? undefined : ruleSet.tables[at.table]?.get(at.chain);
      // The addresses of a packet that comes in again have been settled on its way out.
      if (at !== undefined && chain !== undefined && !(next.looped && at.type === 'nat')) {
        open.push({ position: { stage: next, at, chain, index: 0, caller: undefined }, packet: state, probability });
        return;
      }
      next = at === undefined ? nextHook(next, state) : { ...next, index: next.index + 1 };
    }
    arrive(outcomeOf(state), probability);
  }

  /** Routing: to the node itself, or through it. */
  function nextHook({ hook, looped }: Stage, state: PacketState): Stage | undefined {
    switch (hook) {
      case 'prerouting':
        return { hook: isLocal('destination', state, around) ? 'input' : 'forward', index: 0, looped };
      case 'forward':
      case 'output':
        return { hook: 'postrouting', index: 0, looped };
      case 'postrouting':
        if (origin === 'host' && isLocal('destination', state, around))
          return { hook: 'input', index: 0, looped: true };
        return undefined;
      case 'input':
        return undefined;
      default:
        return unknownKind(hook);
    }
  }

  function step({ position, packet: state, probability }: Branch): void {
    const rule = position.chain?.rules[position.index];
    if (rule === undefined) {
      if (position.caller !== undefined) open.push({ position: position.caller, packet: state, probability });
      else endOfBuiltIn(position, state, probability);
      return;
    }
    const chance = chanceOfRule(rule, state, position.at.table, around);
    const choice = chance > 0 && chance < 1 ? choose(chance) : chance === 1 ? 'apply' : 'skip';
    const after: Position = { ...position, index: position.index + 1 };
    if (choice !== 'apply') {
      open.push({ position: after, packet: state, probability: probability * (choice === 'both' ? 1 - chance : 1) });
    }
    if (choice !== 'skip') {
      const changed = withEffects(rule, state);
      follow(rule.verdict, after, changed, probability * (choice === 'both' ? chance : 1));
    }
  }

  function endOfBuiltIn({ stage, chain }: Position, state: PacketState, probability: number): void {
    if (chain?.policy === 'drop' && context.ignorePolicies !== true) arrive({ kind: 'drop' }, probability);
    else enter({ ...stage, index: stage.index + 1 }, state, probability);
  }

  function follow(verdict: Verdict, after: Position, state: PacketState, probability: number): void {
    const leave = (changed: PacketState): void =>
      enter({ ...after.stage, index: after.stage.index + 1 }, changed, probability);
    switch (verdict.kind) {
      case 'jump':
        open.push({ position: jump(verdict.chain, after, after), packet: state, probability });
        return;
      case 'goto':
        open.push({ position: jump(verdict.chain, after, after.caller), packet: state, probability });
        return;
      case 'unknown':
        around.onUnknown?.(verdict.text);
        open.push({ position: after, packet: state, probability });
        return;
      case 'none':
        open.push({ position: after, packet: state, probability });
        return;
      case 'setMark':
        open.push({ position: after, packet: { ...state, mark: marked(state.mark, verdict) }, probability });
        return;
      case 'return':
        if (after.caller === undefined) endOfBuiltIn(after, state, probability);
        else open.push({ position: after.caller, packet: state, probability });
        return;
      case 'accept':
        return leave(state);
      case 'dnat':
        return leave({ ...state, destination: verdict.address, port: verdict.port ?? state.port, rewritten: true });
      case 'masquerade':
        return leave({ ...state, masqueraded: true });
      case 'lookup': {
        const map = ruleSet.sets?.get(setKey(after.at.table, verdict.map));
        const found = map?.elements.get(lookupKey(verdict.fields, state))?.verdict;
        return follow(found ?? { kind: 'none' }, after, state, probability);
      }
      case 'share':
        return share(verdict.choices, after, state, probability);
      case 'reject':
      case 'drop':
        return arrive({ kind: verdict.kind }, probability);
      default:
        return unknownKind(verdict);
    }
  }

  /** One of several, as a row of coins of which each is tossed when those before it said no. */
  function share(
    choices: readonly (Verdict | undefined)[],
    after: Position,
    state: PacketState,
    probability: number,
  ): void {
    let left = 1;
    let split = false;
    const chosen: (readonly [Verdict, number])[] = [];
    for (const [index, choice] of choices.entries()) {
      const part = shareOf(index, choices.length);
      const way = index === choices.length - 1 ? 'apply' : choose(part / left);
      left -= part;
      if (way === 'skip') continue;
      if (way === 'both') split = true;
      chosen.push([choice ?? { kind: 'none' }, split ? probability * part : probability]);
      if (way === 'apply') break;
    }
    // The last that is opened is followed first.
    for (const [choice, part] of chosen.toReversed()) follow(choice, after, state, part);
  }

  function jump(name: string, after: Position, caller: Position | undefined): Position {
    const { table } = after.at;
    const chain = ruleSet.tables[table]?.get(name);
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
    return { stage: after.stage, at: after.at, chain, index: 0, caller };
  }
}

function withEffects({ matches, effects = [] }: Rule, state: PacketState): PacketState {
  let { mark, remembers } = state;
  for (const match of matches) if (match.kind === 'recentSet') remembers = match.list;
  for (const effect of effects) {
    if (effect.kind === 'setMark') mark = marked(mark, effect);
    else remembers = effect.set;
  }
  return { ...state, mark, remembers };
}

function marked(
  mark: number,
  { value, mask }: Extract<Effect, { kind: 'setMark' }> | Extract<Verdict, { kind: 'setMark' }>,
): number {
  return ((mark & ~mask) ^ value) >>> 0;
}

function chanceOfRule(rule: Rule, packet: PacketState, table: string, around: Surroundings): number {
  let chance = 1;
  for (const match of rule.matches) {
    chance *= chanceOf(match, packet, table, around);
    if (chance === 0) break;
  }
  return chance;
}

function outcomeOf({ destination, port, rewritten, masqueraded, remembers }: PacketState): Outcome {
  if (!rewritten) return { kind: 'pass', masqueraded };
  return { kind: 'dnat', address: destination, port, masqueraded, ...(remembers !== undefined && { remembers }) };
}
