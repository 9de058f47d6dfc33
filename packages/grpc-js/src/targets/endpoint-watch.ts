import type { PolicyConfig } from '../balance/policy-config.ts';

/** One address that a name stands for. */
export interface ResolvedEndpoint {
  readonly host: string;
  readonly port: number;
  /** Topology zone, where the source knows it. */
  readonly zone?: string;
}

/** What a source of endpoints says at one moment. */
export type WatchResult =
  /** `note` goes into the error of a call that none of the endpoints takes; it also says when the list is an old one. */
  | {
      readonly ok: true;
      readonly endpoints: readonly ResolvedEndpoint[];
      readonly note: string;
      /** What the source itself asks for; the same object for as long as it asks for the same. */
      readonly policy?: PolicyConfig;
    }
  /** There never was an answer; `message` says in a sentence why. */
  | { readonly ok: false; readonly message: string };

export type WatchListener = (result: WatchResult) => void;

/** A source of endpoints for one name, which goes on looking for as long as it is open. Shared by the channels of a process. */
export interface EndpointWatch {
  /** Begins; `listener` is never called before this returns. */
  open(listener: WatchListener): void;
  /** Asks for an answer soon, as after a lost connection: the listener is called again even if nothing changed. */
  refresh(): void;
  close(): void;
}
