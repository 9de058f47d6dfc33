import type { Limits } from '@steelyard/http2';
import type { MaxConnectionAge } from '../downstream/connection-age.ts';

/** What operators may set of connections; plain data, so that it can be sent to worker processes. */
export interface ConnectionSettings {
  /** What differs from the defaults (docs/limits.md); holds on both sides. */
  readonly limits?: Partial<Limits> | undefined;
  /** Of callers' connections. Absent: they live as long as they are used. */
  readonly maxAge?: MaxConnectionAge | undefined;
}
