import { columnsOf, indentText } from '../../lab/index.ts';
import type { ServiceExplanation } from '../../netfilter/index.ts';

export type Language = 'en' | 'zh';

/** Everything that `explain` says, in one language. Numbers and addresses come ready to be printed. */
export interface ExplainWords {
  readonly pods: (count: number) => string;
  readonly nothing: { readonly rejected: string; readonly dropped: string; readonly passed: string };
  readonly masqueraded: string;
  readonly affinity: (clients: string) => string;
  readonly cause: (count: number) => string;
  readonly table: readonly [string, string, string];
  readonly idle: (idle: string, count: number) => string;
  readonly scaleUp: (before: number, after: number, idle: number) => string;
  readonly rollout: (first: string, last: string, even: string) => string;
  readonly onePod: string;
  readonly waysOut: {
    readonly title: string;
    /** Node mode, by what says that a port carries gRPC. */
    readonly node: { readonly byPort: string; readonly byAnnotation: string };
    readonly others: readonly string[];
  };
  readonly unknown: (texts: string) => string;
  readonly policy: string;
  readonly problem: (text: string) => string;
  readonly findings: string;
}

const en: ExplainWords = {
  pods: (count) =>
    count === 1
      ? 'Every new connection goes to the one pod there is:'
      : `Each new connection goes to one of ${count} pods, drawn by the kernel:`,
  nothing: {
    rejected: 'Connections are refused at once: the Service has no pod that is ready.',
    dropped:
      'Connections vanish until the caller gives up: the policy is Local and no pod is on this node, or the source is not allowed.',
    passed: 'No rule takes care of this address: connections go on to where they were sent.',
  },
  masqueraded: 'Pods see the address of the node instead of the client.',
  affinity: (clients) =>
    `Session affinity: a client address that was here before goes to the same pod again. The kernel remembers ${clients} addresses for each pod; with more clients than that, they move at random.`,
  cause: (count) =>
    count === 1
      ? ''
      : 'The draw is per connection, not per call. A gRPC client keeps one HTTP/2 connection and sends all calls over it, so all of its calls land on the one pod that was drawn.',
  table: ['connections', 'pods without a call', 'busiest pod, share of calls'],
  idle: (idle, count) => `${idle} of ${count}`,
  scaleUp: (before, after, idle) =>
    `After scaling from ${before} to ${after} pods, ${idle} of them get no call until clients connect anew: open connections stay where they are.`,
  rollout: (first, last, even) =>
    `After a rollout, one pod at a time, the first new pod is expected to hold ${first} of the connections and the last ${last}, instead of ${even} each.`,
  onePod: 'With one pod there is nothing to balance.',
  waysOut: {
    title: 'Ways out:',
    node: {
      byPort:
        "keep the Service's address, with no change of apps or manifests: steelyard node, as root on each node, draws for every call to ports that say gRPC by appProtocol or name, without TLS",
      byAnnotation:
        "keep the Service's address, with no change of apps: steelyard node, as root on each node, draws for every call without TLS; with session affinity only where the Service is annotated steelyard.dev/grpc",
    },
    others: [
      'put an L7 proxy before the pods, which draws for every call: steelyard proxy',
      'use a headless Service and let the client balance: dns:///NAME with round_robin',
      'give gRPC clients an xds:/// target, which brings endpoints and policy to them',
      'at least end connections regularly on the server (max_connection_age), so that they are drawn anew',
    ],
  },
  unknown: (texts) => `Not understood, and taken as not applying: ${texts}`,
  policy:
    "The policy of one of the kernel's own chains drops what no rule accepts, and no rule that is understood accepts these connections.",
  problem: (text) => `The rules cannot be followed to their end: ${text}.`,
  findings: 'About the dump:',
};

const zh: ExplainWords = {
  pods: (count) => (count === 1 ? '每个新连接都会到达唯一的 Pod：' : `每个新连接由内核随机分给 ${count} 个 Pod 之一：`),
  nothing: {
    rejected: '连接会立即被拒绝：该 Service 没有就绪的 Pod。',
    dropped: '连接会被丢弃，直到调用方超时：策略为 Local 而本节点没有 Pod，或来源地址不被允许。',
    passed: '没有规则处理该地址：连接会照原目标地址发出。',
  },
  masqueraded: 'Pod 看到的是节点的地址，而不是客户端的地址。',
  affinity: (clients) =>
    `会话保持：曾经来过的客户端地址会再次到达同一个 Pod。内核为每个 Pod 只记住 ${clients} 个地址，客户端更多时会随机换 Pod。`,
  cause: (count) =>
    count === 1
      ? ''
      : '内核是按连接随机选择，而不是按调用。gRPC 客户端只保持一个 HTTP/2 连接，所有调用都走这个连接，因此它的全部调用都落在当初选中的那一个 Pod 上。',
  table: ['连接数', '没有调用的 Pod', '最忙 Pod 的调用占比'],
  idle: (idle, count) => `${idle} / ${count}`,
  scaleUp: (before, after, idle) =>
    `从 ${before} 个 Pod 扩容到 ${after} 个后，其中 ${idle} 个得不到调用，直到客户端重新建立连接：已有连接会留在原处。`,
  rollout: (first, last, even) =>
    `逐个滚动更新后，最先启动的新 Pod 预计持有 ${first} 的连接，最后启动的只有 ${last}，而平均应为 ${even}。`,
  onePod: '只有一个 Pod 时没有可均衡的对象。',
  waysOut: {
    title: '解决办法：',
    node: {
      byPort:
        '保留 Service 的地址，应用和清单都不用改：在每个节点上以 root 运行 steelyard node，对 appProtocol 或名称表明是 gRPC 的端口（不经 TLS），为每次调用选择 Pod',
      byAnnotation:
        '保留 Service 的地址，应用不用改：在每个节点上以 root 运行 steelyard node，为每次调用（不经 TLS）选择 Pod；有会话保持的 Service 要加注解 steelyard.dev/grpc 才行',
    },
    others: [
      '在 Pod 前放置七层代理，由它为每次调用选择 Pod：steelyard proxy',
      '使用 headless Service，由客户端做均衡：dns:///名称 加 round_robin',
      '让 gRPC 客户端使用 xds:/// 目标，由控制面下发端点和策略',
      '至少让服务端定期断开连接（max_connection_age），使连接重新分配',
    ],
  },
  unknown: (texts) => `以下条件无法理解，按不匹配处理：${texts}`,
  policy: '内核自带链的默认策略会丢弃没有规则接受的连接，而能理解的规则中没有一条接受它们。',
  problem: (text) => `无法沿规则走到终点：${text}。`,
  findings: '关于这份转储：',
};

export const EXPLAIN_WORDS: Readonly<Record<Language, ExplainWords>> = { en, zh };

/** What a terminal has that nobody has widened; scripts read `-o json`. */
const WIDTH = 80;

export function renderExplanation(explained: ServiceExplanation, words: ExplainWords): string {
  const { pods, name, address, port, protocol, source } = explained;
  const where = `${address.includes(':') ? `[${address}]` : address}:${port}/${protocol}`;
  const lines = [`${name === undefined ? '' : `${name}  `}${where}  (${source} →)`];
  const say = (text: string): void => void lines.push(...sentence(text));
  if (explained.problem !== undefined) say(words.problem(explained.problem));
  if (pods.length > 0) {
    say(words.pods(pods.length));
    const width = Math.max(...pods.map((pod) => podName(pod).length));
    for (const pod of pods)
      lines.push(`    ${podName(pod).padEnd(width)}  ${percent(pod.share).padStart(8)}  ${bar(pod.share)}`);
  }
  if (explained.rejected > 0) say(words.nothing.rejected);
  if (explained.dropped > 0) say(words.nothing.dropped);
  if (explained.passed > 0 && pods.length === 0) say(words.nothing.passed);
  if (pods.some(({ masqueraded }) => masqueraded)) say(words.masqueraded);
  const { affinityClients } = explained;
  if (affinityClients !== undefined) say(words.affinity(affinityClients.toLocaleString('en')));
  lines.push(...callLines(explained, words));
  if (explained.policyDrops) say(words.policy);
  if (explained.unknown.length > 0) say(words.unknown(explained.unknown.slice(0, 5).join('; ')));
  return `${lines.join('\n')}\n`;
}

function sentence(text: string): readonly string[] {
  return indentText(text, WIDTH, '  ');
}

/** What gRPC calls get from it. */
function callLines({ pods, spreads, scaleUp, rollout }: ServiceExplanation, words: ExplainWords): readonly string[] {
  if (pods.length === 0) return [];
  if (pods.length === 1) return sentence(words.onePod);
  const rows = spreads.map(({ connections, idlePods, busiestShare }) => [
    String(connections),
    words.idle(idlePods.toFixed(2), pods.length),
    percent(busiestShare),
  ]);
  const lines = ['', ...sentence(words.cause(pods.length)), '', ...tableLines([words.table, ...rows]), ''];
  if (scaleUp !== undefined) lines.push(...sentence(words.scaleUp(pods.length, scaleUp.pods, scaleUp.idlePods)));
  if (rollout !== undefined) {
    const { first, last } = rollout;
    lines.push(...sentence(words.rollout(percent(first), percent(last), percent(1 / pods.length))));
  }
  return lines;
}

/** Cells to the right of their columns, as wide as the widest of each. */
function tableLines(rows: readonly (readonly string[])[]): readonly string[] {
  const widthOf = (column: number): number => Math.max(...rows.map((row) => columnsOf(row[column] ?? '')));
  const pad = (cell: string, column: number): string => ' '.repeat(widthOf(column) - columnsOf(cell)) + cell;
  return rows.map((row) => `    ${row.map(pad).join(' | ')}`);
}

/** The way that changes least first; empty where nothing was explained that has pods to choose from. */
export function renderWaysOut(explained: readonly ServiceExplanation[], { waysOut }: ExplainWords): string {
  const choices = explained.filter(({ pods }) => pods.length > 1);
  if (choices.length === 0) return '';
  // docs/node.md, "Which ports": TCP to a cluster address, and with session affinity only if it is asked for.
  const nodeCan = choices.filter(({ protocol, kind = 'cluster IP' }) => protocol === 'TCP' && kind === 'cluster IP');
  const hasPlain = nodeCan.some(({ affinityClients }) => affinityClients === undefined);
  const { byPort, byAnnotation } = waysOut.node;
  const node = nodeCan.length === 0 ? [] : [hasPlain ? byPort : byAnnotation];
  const ways = [...node, ...waysOut.others].flatMap((way) => indentText(way, WIDTH, '  - ', '    '));
  return [waysOut.title, ...ways, ''].join('\n');
}

function podName({ address, port }: { readonly address: string; readonly port: number }): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(2)} %`;
}

function bar(share: number): string {
  return '█'.repeat(Math.round(share * 40));
}
