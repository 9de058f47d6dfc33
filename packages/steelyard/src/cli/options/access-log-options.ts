import type { Command } from 'commander';
import { Option } from 'commander';
import type { Logger } from '../../log.ts';
import { type AccessLogSelection, type AccessLogSink, createDescriptorSink, openFileSink } from '../../proxy/index.ts';
import { parseAccessLog } from './parse-access-log.ts';
import { describeFailure } from '../describe-failure.ts';
import { UsageError } from '../usage-error.ts';

export interface AccessLogOptions {
  readonly accessLog: AccessLogSelection | 'off';
  readonly accessLogFile?: string;
}

export function addAccessLogOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--access-log <which>', 'a line of JSON for calls: off, errors, all, or sample:SHARE as sample:0.01')
        .argParser(parseAccessLog)
        .default('off'),
    )
    .option('--access-log-file <path>', 'append the access log to this file instead of writing it to stdout');
}

/** `undefined` for none. */
export async function openAccessLog(
  { accessLog: selection, accessLogFile: path }: AccessLogOptions,
  log: Logger,
): Promise<{ readonly selection: AccessLogSelection; readonly sink: AccessLogSink } | undefined> {
  if (selection === 'off') {
    if (path !== undefined)
      throw new UsageError('--access-log-file: say which calls with --access-log, as all or errors');
    return undefined;
  }
  const sink = path === undefined ? createDescriptorSink(process.stdout.fd, log) : await openFile(path, log);
  return { selection, sink };
}

async function openFile(path: string, log: Logger): Promise<AccessLogSink> {
  try {
    return await openFileSink(path, log);
  } catch (error) {
    const reason = describeFailure(error);
    if (reason === undefined) throw error;
    // The system says of opening only that it failed, not what for.
    throw new UsageError(`--access-log-file: ${reason.replace(/^cannot read /, 'cannot write ')}`);
  }
}
