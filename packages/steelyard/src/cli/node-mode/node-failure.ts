import { ApplyError } from '../../netfilter/index.ts';
import { UsageError } from '../usage-error.ts';

/** What the kernel refuses is told in one line that says what to do. */
export async function asNodeUsageError<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof ApplyError ? new UsageError(explain(error.message)) : error;
  }
}

function explain(message: string): string {
  if (/not permitted/i.test(message)) {
    return 'the kernel takes no rules from this user: run as root, or with CAP_NET_ADMIN';
  }
  if (/cannot be run/.test(message)) return `${message}: install nftables 1.0.1 or newer`;
  return message;
}
