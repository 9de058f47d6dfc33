import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { processUsage } from '../process-usage.ts';
import { nameOf, RECORDS, startStaticCluster } from './cluster.ts';
import { measureLatencies, measureThroughput, quantile } from './dnsperf.ts';
import { type DnsReport, type DnsRun, holdBars, renderReport, sumUp } from './report.ts';
import { type DnsServerUnderTest, SERVERS, serverVersion, startServer } from './servers.ts';

const USAGE = `npm run bench -- dns [OPTIONS]   (dnsperf; coredns if it is installed)
  --rounds N        of each server and number of records, interleaved; medians are reported (default: 3)
  --seconds N       of each measurement (default: 3)
  --rate N          questions a second while latency is measured (default: 5000)
  -o table|json     what is printed on standard output (default: table)
`;

interface Options {
  readonly rounds: number;
  readonly seconds: number;
  readonly rate: number;
  readonly output: 'table' | 'json';
}

/** Exit 0 every bar holds, 1 one does not, 2 wrong usage or nothing to measure with. */
export async function runSuite(args: readonly string[]): Promise<number> {
  let options: Options | 'help';
  try {
    options = parseOptions(args);
  } catch (error) {
    process.stderr.write(`bench dns: ${error instanceof Error ? error.message : String(error)}\n${USAGE}`);
    return 2;
  }
  if (options === 'help') {
    process.stdout.write(USAGE);
    return 0;
  }
  const dnsperf = spawnSync('dnsperf', ['-h'], { encoding: 'utf8' });
  if (dnsperf.error !== undefined) {
    process.stderr.write('bench dns: dnsperf is not on the PATH\n');
    return 2;
  }
  const versions: Record<string, string> = {
    dnsperf: /Version (\S+)/.exec(dnsperf.stdout + dnsperf.stderr)?.[1] ?? '',
  };
  for (const name of SERVERS) {
    const version = serverVersion(name);
    if (version === undefined) process.stderr.write(`${name} is not on the PATH: it is left out\n`);
    else versions[name === 'steelyard' ? 'node' : name] = version;
  }
  const rows = sumUp(await measureAll(options));
  const machine = `${cpus()[0]?.model ?? 'unknown'} x ${cpus().length}`;
  const report: DnsReport = { versions, machine, rows, bars: holdBars(rows) };
  const text = `${JSON.stringify(report, null, 2)}\n`;
  const folder = resolve(import.meta.dirname, '..', '..', 'results');
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `dns-${new Date().toISOString().replaceAll(/[:.]/g, '-')}.json`);
  writeFileSync(file, text);
  process.stdout.write(options.output === 'json' ? text : renderReport(report));
  process.stderr.write(`kept in ${file}\n`);
  return report.bars.every(({ holds }) => holds) ? 0 : 1;
}

async function measureAll(options: Options): Promise<readonly DnsRun[]> {
  const cluster = await startStaticCluster();
  const folder = mkdtempSync(join(tmpdir(), 'steelyard-bench-dns-'));
  const servers: DnsServerUnderTest[] = [];
  const runs: DnsRun[] = [];
  try {
    for (const name of SERVERS)
      if (serverVersion(name) !== undefined) servers.push(await startServer(name, cluster.url));
    for (let round = 0; round < options.rounds; round++) {
      for (const records of RECORDS) {
        const questions = join(folder, `a${records}`);
        writeFileSync(questions, `${nameOf(records)} A\n`);
        for (const server of servers) runs.push(await measure(server, records, questions, options));
      }
      process.stderr.write(`round ${round + 1} of ${options.rounds} is done\n`);
    }
  } finally {
    for (const server of servers) await server.stop();
    cluster.close();
    rmSync(folder, { recursive: true, force: true });
  }
  return runs;
}

async function measure(
  { name, port, process: started }: DnsServerUnderTest,
  records: number,
  questions: string,
  { seconds, rate }: Options,
): Promise<DnsRun> {
  const before = processUsage(started.pid).cpuNanoseconds;
  const load = await measureThroughput({ port, questions, seconds });
  const used = processUsage(started.pid).cpuNanoseconds - before;
  const latencies = await measureLatencies({ port, questions, seconds, rate });
  return {
    server: name,
    records,
    queriesPerSecond: load.answered / load.seconds,
    cpuMicrosPerQuery: used / 1000 / load.answered,
    lost: load.lost,
    p50Micros: quantile(latencies, 0.5) * 1e6,
    p99Micros: quantile(latencies, 0.99) * 1e6,
  };
}

function parseOptions(args: readonly string[]): Options | 'help' {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rounds: { type: 'string', default: '3' },
      seconds: { type: 'string', default: '3' },
      rate: { type: 'string', default: '5000' },
      output: { type: 'string', short: 'o', default: 'table' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return 'help';
  const { output } = values;
  if (output !== 'table' && output !== 'json') throw new Error(`-o ${output}: must be table or json`);
  const whole = (name: string, text: string, most: number): number => {
    const value = Number(text);
    if (!Number.isInteger(value) || value < 1 || value > most) {
      throw new Error(`--${name} ${text}: must be a whole number from 1 to ${most}`);
    }
    return value;
  };
  return {
    rounds: whole('rounds', values.rounds, 100),
    seconds: whole('seconds', values.seconds, 600),
    rate: whole('rate', values.rate, 1_000_000),
    output,
  };
}
