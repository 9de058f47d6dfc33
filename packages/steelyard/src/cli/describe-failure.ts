import { DnsListenError } from '../dns/index.ts';
import { ClusterError, ManifestsError } from '../kube/index.ts';
import { LabError } from '../lab/index.ts';
import { TlsFileError, WorkerError } from '../proxy/index.ts';
import { UsageError } from './usage-error.ts';

/** The one sentence for an expected failure; `undefined` for anything else, which is a bug of ours. */
export function describeFailure(error: unknown): string | undefined {
  const expected = [UsageError, LabError, ManifestsError, ClusterError, DnsListenError, TlsFileError, WorkerError];
  if (expected.some((kind) => error instanceof kind) && error instanceof Error) return error.message;
  if (error instanceof Error && isSystemError(error)) return describeSystemError(error);
  return undefined;
}

/** What the operating system refused. Node's own argument errors have a code too, but no `syscall`. */
interface SystemError extends Error {
  readonly code: string;
  readonly syscall: string;
}

function isSystemError(error: Error): error is SystemError {
  return 'code' in error && typeof error.code === 'string' && 'syscall' in error && typeof error.syscall === 'string';
}

const REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'the address is in use',
  EADDRNOTAVAIL: 'this machine does not have the address',
  EACCES: 'permission denied',
  EPERM: 'not permitted',
  ENOENT: 'no such file or folder',
  ENOTDIR: 'a part of the path is not a folder',
  EISDIR: 'it is a folder',
  EMFILE: 'too many open files',
  ENOTFOUND: 'the host name has no address',
  EAI_AGAIN: 'the name server does not answer',
};

function describeSystemError(error: SystemError): string {
  const reason = REASONS[error.code] ?? error.message;
  return `cannot ${verbOf(error.syscall)} ${placeOf(error)}: ${reason} (${error.code})`;
}

function verbOf(syscall: string): string {
  if (syscall === 'listen' || syscall === 'bind') return 'listen on';
  if (syscall === 'scandir' || syscall === 'open' || syscall === 'stat') return 'read';
  return syscall === 'getaddrinfo' ? 'resolve' : syscall;
}

function placeOf(error: SystemError): string {
  if ('path' in error && typeof error.path === 'string') return error.path;
  if ('hostname' in error && typeof error.hostname === 'string') return error.hostname;
  if ('address' in error && 'port' in error) return `${String(error.address)}:${String(error.port)}`;
  return 'it';
}
