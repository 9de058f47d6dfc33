import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

export interface LoadPlan {
  readonly port: number;
  /** A file of `NAME TYPE` lines. */
  readonly questions: string;
  readonly seconds: number;
  /** Questions a second; absent: as many as are answered. */
  readonly rate?: number;
}

export interface LoadResult {
  readonly answered: number;
  readonly lost: number;
  readonly seconds: number;
}

/** Bytes; fits 100 answers of 50 records under way. */
const SOCKET_KIB = 1024;

function argsOf({ port, questions, seconds, rate }: LoadPlan): string[] {
  const load = rate === undefined ? ['-q', '100'] : ['-Q', String(rate), '-q', '1000'];
  const to = ['-s', '127.0.0.1', '-p', String(port)];
  return [...to, '-d', questions, '-l', String(seconds), '-e', '-b', String(SOCKET_KIB), ...load];
}

/** As many questions as are answered, 100 under way. */
export async function measureThroughput(plan: LoadPlan): Promise<LoadResult> {
  let output = '';
  const child = spawn('dnsperf', argsOf(plan), { stdio: ['ignore', 'pipe', 'ignore'] });
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  await ended(child);
  const number = (name: string): number => Number(new RegExp(`${name}:\\s+([\\d.]+)`).exec(output)?.[1] ?? Number.NaN);
  const result = {
    answered: number('Queries completed'),
    lost: number('Queries lost'),
    seconds: number(String.raw`Run time \(s\)`),
  };
  if (!(result.answered > 0)) throw new Error(`dnsperf measured nothing: ${output.slice(-500)}`);
  return result;
}

/** The time of each answer in seconds, at a rate that does not fill the server. */
export async function measureLatencies(plan: LoadPlan & { readonly rate: number }): Promise<readonly number[]> {
  const child = spawn('dnsperf', [...argsOf(plan), '-v'], { stdio: ['ignore', 'pipe', 'ignore'] });
  const times: number[] = [];
  const done = ended(child);
  // `> NOERROR a1.default.svc.cluster.local A 0.000123`
  for await (const line of createInterface({ input: child.stdout })) {
    const seconds = /^> NOERROR \S+ \S+ (\d+\.\d+)$/.exec(line)?.[1];
    if (seconds !== undefined) times.push(Number(seconds));
  }
  await done;
  if (times.length === 0) throw new Error('dnsperf measured no latency');
  return times;
}

function ended(child: ReturnType<typeof spawn>): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once('error', () => reject(new Error('dnsperf is not installed')));
    child.once('close', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`dnsperf exited with ${code}`));
    });
  });
}
