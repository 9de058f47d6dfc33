import { InvalidArgumentError } from 'commander';
import type { AccessLogSelection } from '../../proxy/index.ts';

/** `off`, `errors`, `all`, or `sample:0.01`: which calls get a line in the access log. */
export function parseAccessLog(text: string): AccessLogSelection | 'off' {
  if (text === 'off') return 'off';
  if (text === 'errors' || text === 'all') return { kind: text };
  const share = /^sample:(?<share>\d+(\.\d+)?|\.\d+)$/.exec(text)?.groups?.['share'];
  if (share === undefined || Number(share) > 1) {
    throw new InvalidArgumentError('Write off, errors, all, or sample:SHARE with a share from 0 to 1, as sample:0.01.');
  }
  return { kind: 'sample', share: Number(share) };
}
