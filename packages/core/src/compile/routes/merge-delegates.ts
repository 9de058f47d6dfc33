import type { HttpMatch, HttpRule, VirtualService } from '../../config/index.ts';
import { type NamedMatch, serviceKey, type TextMatch } from '../../model/index.ts';
import type { CompileReport } from '../compile-report.ts';
import { fullGatewayName } from '../client-identity.ts';
import { isExportedTo } from '../export-to.ts';
import { resolveHost } from '../host-names.ts';

/** A rule and whose it is: its short host names are of that object's namespace. */
export interface OwnedRule {
  readonly rule: HttpRule;
  readonly owner: VirtualService;
  readonly delegatedBy?: Delegation;
  /** It takes no call whatever the call is like, nor whose: a sentence without its full stop. */
  readonly whyNot?: string;
}

/** The rule that delegates to a rule, and what the two have of it. */
export interface Delegation {
  readonly rule: HttpRule;
  readonly owner: VirtualService;
  /** What it says in place of the other one, which leaves it open. */
  readonly fields: ReadonlySet<keyof HttpRule>;
}

/** The rules of a VirtualService with those it delegates to in their place (pilot/pkg/model, `mergeVirtualServicesIfNeeded`). */
export function mergeDelegates(
  root: VirtualService,
  delegates: ReadonlyMap<string, VirtualService>,
  { clusterDomain, report }: { readonly clusterDomain: string; readonly report: CompileReport },
): readonly OwnedRule[] {
  return (root.http ?? []).flatMap((rule): readonly OwnedRule[] => {
    const { delegate } = rule;
    if (delegate === undefined) return [{ rule: withFullGateways(rule, root), owner: root }];
    const key = serviceKey(delegate.namespace ?? root.namespace, delegate.name);
    const owner = delegates.get(key);
    const without = (whyNot: string): readonly OwnedRule[] => [{ rule, owner: root, whyNot }];
    if (owner === undefined) {
      const message = `VirtualService ${key} is not there or has hosts of its own, so this rule has no route; add it without hosts.`;
      report.add('delegate-unknown', root, message, delegate.place);
      return without(`its delegate ${key} is not there or has hosts of its own`);
    }
    if (!isExportedTo(owner.exportTo, owner.namespace, root.namespace)) {
      const message = `VirtualService ${key} is not exported to ${root.namespace}, so this rule has no route; see its exportTo.`;
      report.add('delegate-unknown', root, message, delegate.place);
      return without(`its delegate ${key} is not exported to ${root.namespace}`);
    }
    const full = withFullMirrors(withFullGateways(rule, root), root, clusterDomain);
    return (owner.http ?? []).flatMap((child): readonly OwnedRule[] => {
      const merged = mergeRule(full, withFullGateways(child, owner));
      if (merged !== undefined) {
        const fields = new Set(FILLED.filter((field) => full[field] !== undefined && child[field] === undefined));
        return [{ rule: merged, owner, delegatedBy: { rule: full, owner: root, fields } }];
      }
      const message = `This rule matches nothing that ${root.namespace}/${root.name} delegates to it, and is left out; narrow its match.`;
      report.add('delegate-conflict', owner, message, child.place);
      const whyNot = `its match takes nothing of what ${root.namespace}/${root.name} delegates to it`;
      return [{ rule: child, owner, whyNot }];
    });
  });
}

/** Names are of the namespace of the object that says them; after merging nobody could tell which that was. */
function withFullGateways(rule: HttpRule, { namespace }: VirtualService): HttpRule {
  if (rule.matches.every(({ gateways }) => gateways.length === 0)) return rule;
  const matches = rule.matches.map((match) => ({
    ...match,
    gateways: match.gateways.map((gateway) => fullGatewayName(gateway, namespace)),
  }));
  return { ...rule, matches };
}

function withFullMirrors(rule: HttpRule, { namespace }: VirtualService, clusterDomain: string): HttpRule {
  if (rule.mirrors === undefined) return rule;
  const mirrors = rule.mirrors.map((mirror) => ({
    ...mirror,
    host: resolveHost(mirror.host, namespace, clusterDomain),
  }));
  return { ...rule, mirrors };
}

/** What a root may say in place of its delegate. */
const FILLED = [
  'rewrite',
  'headers',
  'timeoutMs',
  'retry',
  'fault',
  'mirrors',
] as const satisfies readonly (keyof HttpRule)[];

/** What the child says holds; the root fills in what it leaves open. `undefined` when their matches exclude each other. */
function mergeRule(root: HttpRule, child: HttpRule): HttpRule | undefined {
  const matches = mergeMatches(root.matches, child.matches);
  if (matches === undefined) return undefined;
  const name = [root.name, child.name].filter((part) => part !== undefined).join('-');
  const {
    delegate: _delegate,
    matches: _matches,
    name: _name,
    destinations: _destinations,
    place: _place,
    ...filling
  } = root;
  return { ...filling, ...child, matches, ...(name !== '' && { name }) };
}

function mergeMatches(roots: readonly HttpMatch[], children: readonly HttpMatch[]): readonly HttpMatch[] | undefined {
  if (roots.length === 0) return children;
  if (children.length === 0) return roots.map((root) => ({ ...root, within: root }));
  const merged: HttpMatch[] = [];
  for (const child of children) {
    const fitting = roots.filter((root) => !excludes(root, child));
    if (fitting.length === 0) return undefined;
    merged.push(...fitting.map((root) => mergeMatch(root, child)));
  }
  return merged;
}

function mergeMatch(root: HttpMatch, child: HttpMatch): HttpMatch {
  const name = [root.conditions.name, child.conditions.name].filter((part) => part !== undefined).join('-');
  const port = child.port ?? root.port;
  const everyPath = child.everyPath ?? (child.conditions.path === undefined ? root.everyPath : undefined);
  return {
    ...(everyPath !== undefined && { everyPath }),
    conditions: {
      ...root.conditions,
      ...child.conditions,
      ...(name !== '' && { name }),
      headers: mergeNamed(root.conditions.headers, child.conditions.headers),
      withoutHeaders: mergeNamed(root.conditions.withoutHeaders, child.conditions.withoutHeaders),
      queryParameters: mergeNamed(root.conditions.queryParameters, child.conditions.queryParameters),
    },
    ...(port !== undefined && { port }),
    sourceLabels: { ...root.sourceLabels, ...child.sourceLabels },
    sourceNamespace: child.sourceNamespace === '' ? root.sourceNamespace : child.sourceNamespace,
    gateways: child.gateways.length === 0 ? root.gateways : child.gateways,
    within: root,
    place: child.place,
  };
}

function mergeNamed(roots: readonly NamedMatch[], children: readonly NamedMatch[]): readonly NamedMatch[] {
  const named = new Set(children.map(({ name }) => name));
  return [...roots.filter(({ name }) => !named.has(name)), ...children];
}

/** Whether the child reaches beyond the root (pilot/pkg/model, `hasConflict`). */
function excludes(root: HttpMatch, child: HttpMatch): boolean {
  const [outer, inner] = [root.conditions, child.conditions];
  const texts = (['scheme', 'method', 'authority'] as const).some((field) => reaches(outer[field], inner[field]));
  const path = reaches(root.everyPath ?? outer.path, child.everyPath ?? inner.path);
  const named = (['headers', 'withoutHeaders', 'queryParameters'] as const).some((field) =>
    inner[field].some(({ name, match }) => reaches(outer[field].find((other) => other.name === name)?.match, match)),
  );
  return (
    path ||
    texts ||
    named ||
    (outer.ignoreCase ?? false) !== (inner.ignoreCase ?? false) ||
    (root.port !== undefined && child.port !== undefined && root.port !== child.port) ||
    Object.entries(child.sourceLabels).some(([key, value]) => (root.sourceLabels[key] ?? value) !== value) ||
    // Even where the child says none (`hasConflict`).
    (root.sourceNamespace !== '' && root.sourceNamespace !== child.sourceNamespace) ||
    (root.gateways.length > 0 && child.gateways.some((gateway) => !root.gateways.includes(gateway)))
  );
}

/**
 * Of two regular expressions, or one and a text, nobody can tell; Istio takes them for a conflict, and presence beside
 * anything, too (`stringMatchConflict`).
 */
function reaches(root: TextMatch | undefined, child: TextMatch | undefined): boolean {
  if (root === undefined || child === undefined) return false;
  if (root.kind === 'regex' || child.kind === 'regex') return true;
  if (root.kind === 'present' || child.kind === 'present') return true;
  if (root.kind === 'exact') return child.kind !== 'exact' || child.text !== root.text;
  return !child.text.startsWith(root.text);
}
