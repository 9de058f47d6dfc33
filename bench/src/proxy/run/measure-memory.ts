import { readFileSync } from 'node:fs';
import type { MemoryRow } from '../report/report.ts';
import { round } from '../../statistics.ts';
import { reasonOf, type BenchBed, type StartedSubject } from './bench-bed.ts';

const CONNECTIONS = 10_000;
/** File descriptors that a process needs besides those of the connections. */
const OTHER_FILES = 500;
const CALLS_PER_SECOND = 1000;
const SETTLE_MS = 1500;
const BUSY_MS = 3000;

/** Memory per idle connection, and with calls a second over the connections, each subject started afresh. */
export async function measureMemory(bed: BenchBed, connections: number = CONNECTIONS): Promise<MemoryRow[]> {
  const possible = Math.min(connections, openFiles() - OTHER_FILES);
  if (possible < connections) bed.say(`${possible} connections instead of ${connections}: ulimit -n allows no more`);
  const rows: MemoryRow[] = [];
  for (const name of bed.subjects) {
    let subject: StartedSubject | undefined;
    try {
      subject = await bed.start(name, 1);
      const row = await measureOne(bed, subject, possible);
      rows.push(row);
      bed.say(
        `memory  ${name.padEnd(9)}  ${row.kibPerConnection} KiB per connection, ${row.busyMib} MiB with ${possible} and calls`,
      );
    } catch (error) {
      const reason = reasonOf(error);
      rows.push({ subject: name, void: reason, connections: possible, kibPerConnection: null, busyMib: null });
      bed.say(`memory  ${name.padEnd(9)}  void: ${reason}`);
    }
    await subject?.stop();
  }
  return rows;
}

async function measureOne(bed: BenchBed, { name, measured }: StartedSubject, connections: number): Promise<MemoryRow> {
  // What a process takes once, because it works at all, is no connection's.
  await bed.load.run({
    kind: 'closed',
    ...measured,
    connections: 10,
    underWay: 100,
    call: { kind: 'unary', replyBytes: 12 },
    warmUpMs: 0,
    measureMs: 1000,
    seed: 1,
  });
  const { memory } = await bed.load.run({
    kind: 'idle',
    ...measured,
    connections,
    settleMs: SETTLE_MS,
    callsPerSecond: CALLS_PER_SECOND,
    measureMs: BUSY_MS,
    seed: 1,
  });
  if (memory === null) throw new Error('no memory was read');
  return {
    subject: name,
    void: null,
    connections,
    kibPerConnection: round((memory.idleKib - memory.beforeKib) / connections, 2),
    busyMib: round(memory.busyKib / 1024, 1),
  };
}

function openFiles(): number {
  const [, soft] = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1')) ?? [];
  return soft === undefined ? Infinity : Number(soft);
}
