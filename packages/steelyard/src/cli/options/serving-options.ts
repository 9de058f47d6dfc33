import { type Command, Option } from 'commander';
import type { Logger } from '../../log.ts';
import type { SocketAddress } from '../../net-address.ts';
import { type AccessLogOptions, addAccessLogOptions } from './access-log-options.ts';
import { parseDurationMs, parseSocketAddress, wholeNumber } from './option-values.ts';
import { addConnectionOptions, type ConnectionOptions } from './proxy-connection-options.ts';
import { aborted, type StopSignals } from '../stop-signal.ts';

/** What every command takes that serves calls. */
export interface ServingOptions extends AccessLogOptions, ConnectionOptions {
  readonly admin?: SocketAddress;
  readonly workers: number;
  /** Milliseconds. */
  readonly drainTimeout: number;
}

/** Beyond this it is a mistake, not a machine. */
export const MOST_WORKERS = 256;

export interface ServingDefaults {
  /** What to know of the admin port of this command. */
  readonly adminNote: string;
  readonly workers: number;
  /** In words, where the number depends on the machine. */
  readonly workersText?: string;
}

export function addServingOptions(command: Command, { adminNote, workers, workersText }: ServingDefaults): Command {
  command
    .addOption(
      new Option('--drain-timeout <time>', 'for calls under way at the end, as 30s')
        .argParser(parseDurationMs)
        .default(30_000, '30s'),
    )
    .addOption(
      new Option('--admin <host:port>', `health, metrics and state over HTTP; ${adminNote}`).argParser(
        parseSocketAddress,
      ),
    )
    .addOption(
      new Option('--workers <count>', 'processes that the connections are spread over')
        .argParser(wholeNumber(1, MOST_WORKERS))
        .default(workers, workersText),
    );
  addAccessLogOptions(command);
  return addConnectionOptions(command);
}

/** Lets the calls under way finish, for as long as `--drain-timeout` says or until the second signal. */
export async function drainCalls(
  serving: { drain(timeoutMs: number): Promise<unknown> },
  { drainTimeout }: ServingOptions,
  signals: StopSignals,
  log: Logger,
): Promise<void> {
  log.info(`draining for at most ${drainTimeout / 1000} s; a second signal ends it at once`);
  await Promise.race([serving.drain(drainTimeout), aborted(signals.second)]);
}
