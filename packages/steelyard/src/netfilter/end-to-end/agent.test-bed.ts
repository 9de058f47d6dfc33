// Started by topology.test-bed.ts inside a namespace, with a channel to it: answers for a pod, or calls as a client.
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { connect, createServer } from 'node:net';

/** What an agent is asked, one question at a time. */
export type AgentRequest =
  /** Serve on this port: TCP and UDP, both families. The answer is `ready`. */
  | { readonly do: 'serve'; readonly port: number; readonly name: string }
  /** Call so often, one after the other. The answers are `NAME CLIENT`, or how a call failed. */
  | {
      readonly do: 'call';
      readonly host: string;
      readonly port: number;
      readonly protocol: 'TCP' | 'UDP';
      readonly times: number;
      /** How long to wait for each answer. */
      readonly patienceMs: number;
      /** One socket for all calls: to the kernel, one flow. */
      readonly sameSocket?: boolean;
    };

export interface AgentAnswer {
  readonly answers: readonly string[];
}

let flow: UdpSocket | undefined;

function serve(port: number, name: string): Promise<void> {
  const tcp = createServer((socket) => {
    socket.on('error', () => undefined).end(`${name} ${plain(socket.remoteAddress ?? '')}`);
  });
  const udp = createSocket('udp6');
  udp.on('message', (_, from) => udp.send(`${name} ${plain(from.address)}`, from.port, from.address));
  return new Promise((resolve) => {
    tcp.listen(port, '::', () => udp.bind(port, '::', () => resolve()));
  });
}

function callTcp(host: string, port: number, patienceMs: number): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    let said = '';
    let failure: string | undefined;
    socket.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      failure ??= error.code ?? error.message;
    });
    socket.setTimeout(patienceMs, () => {
      failure ??= 'silence';
      socket.destroy();
    });
    socket.on('close', () => resolve(failure ?? said));
  });
}

function callUdp(host: string, port: number, patienceMs: number, sameSocket: boolean): Promise<string> {
  const socket = (sameSocket ? flow : undefined) ?? createSocket(host.includes(':') ? 'udp6' : 'udp4');
  if (sameSocket) flow = socket;
  return new Promise((resolve) => {
    const end = (said: string): void => {
      clearTimeout(timer);
      socket.removeAllListeners();
      if (!sameSocket) socket.close();
      resolve(said);
    };
    const timer = setTimeout(() => end('silence'), patienceMs);
    socket.once('message', (bytes) => end(bytes.toString()));
    socket.once('error', (error: NodeJS.ErrnoException) => end(error.code ?? error.message));
    socket.send('ping', port, host);
  });
}

/** Without the prefix of IPv4 addresses on a socket of both families. */
function plain(address: string): string {
  return address.replace('::ffff:', '');
}

async function answer(request: AgentRequest): Promise<AgentAnswer> {
  if (request.do === 'serve') {
    await serve(request.port, request.name);
    return { answers: ['ready'] };
  }
  const { host, port, protocol, times, patienceMs, sameSocket = false } = request;
  const answers: string[] = [];
  for (let nth = 0; nth < times; nth++) {
    const call = protocol === 'TCP' ? callTcp(host, port, patienceMs) : callUdp(host, port, patienceMs, sameSocket);
    answers.push(await call);
  }
  return { answers };
}

if (process.argv[2] === 'agent') {
  process.on('message', (request: AgentRequest) => void answer(request).then((value) => process.send?.(value)));
  process.on('disconnect', () => process.exit());
}
