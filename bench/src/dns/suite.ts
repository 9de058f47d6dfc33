import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { processUsage } from '../process-usage.ts';
import { nameOf, RECORDS, startStaticCluster } from './cluster.ts';
import { machineName, type Measurement, runMeasurement } from '../run-measurement.ts';
import { quantile } from '../statistics.ts';
import { outputFormat, type OutputFormat, SUITE_OPTIONS, wholeNumber } from '../suite-options.ts';
import { measureLatencies, measureThroughput } from './dnsperf.ts';
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
  readonly output: OutputFormat;
}

const SUITE: Measurement<Options, DnsReport> = {
  name: 'dns',
  usage: USAGE,
  parseOptions,
  obstacle: () => (spawnSync('dnsperf', ['-h']).error === undefined ? undefined : 'dnsperf is not on the PATH'),
  async measure(options) {
    const versions = installedVersions();
    const rows = sumUp(await measureAll(options));
    return { versions, machine: machineName(), rows, bars: holdBars(rows) };
  },
  renderReport,
  holds: ({ bars }) => bars.every(({ holds }) => holds),
};

/** Exit 0 every bar holds, 1 one does not, 2 wrong usage or nothing to measure with. */
export function runSuite(args: readonly string[]): Promise<number> {
  return runMeasurement(SUITE, args);
}

function installedVersions(): Readonly<Record<string, string>> {
  const dnsperf = spawnSync('dnsperf', ['-h'], { encoding: 'utf8' });
  const versions: Record<string, string> = {
    dnsperf: /Version (\S+)/.exec(dnsperf.stdout + dnsperf.stderr)?.[1] ?? '',
  };
  for (const name of SERVERS) {
    const version = serverVersion(name);
    if (version === undefined) process.stderr.write(`${name} is not on the PATH: it is left out\n`);
    else versions[name === 'steelyard' ? 'node' : name] = version;
  }
  return versions;
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
      ...SUITE_OPTIONS,
      rounds: { type: 'string', default: '3' },
      seconds: { type: 'string', default: '3' },
      rate: { type: 'string', default: '5000' },
    },
  });
  if (values.help) return 'help';
  return {
    rounds: wholeNumber('--rounds', values.rounds, 100),
    seconds: wholeNumber('--seconds', values.seconds, 600),
    rate: wholeNumber('--rate', values.rate, 1_000_000),
    output: outputFormat(values.output),
  };
}
