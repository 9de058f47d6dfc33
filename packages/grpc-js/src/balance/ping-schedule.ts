/** What can be told of a connection without looking into its frames. */
export interface ConnectionSigns {
  readonly bytesRead: number;
  /** Of DATA since the last WINDOW_UPDATE of ours: another number means that DATA has come. */
  readonly dataReceived: number;
  readonly callsStarted: number;
  /** Calls that ended with OK: the server has sent them HEADERS at least. */
  readonly callsAnswered: number;
}

/** Nothing heard for so long while a call is under way: is the Pod still there? */
const QUIET_MS = 3000;
/** From the first ping of a silence to the second. */
const SECOND_MS = 15_000;
/** gRPC servers (C-core, Go, Java) take a ping that comes sooner than 5 min after the last one for abuse. */
const PATIENT_MS = 310_000;
/** They forgive two until they next send data, and the first costs nothing: three. The third is kept for new calls. */
const QUICK_PINGS = 3;
const STEADY_QUICK_PINGS = 2;

/**
 * When a connection may be pinged. Servers end a connection, with all that is under way on it, when pings come too often
 * (GOAWAY `too_many_pings`; gRFC A8, and http2_server.go's `handlePing`): more than two that come within 5 min of the one
 * before, counted from the last time that they themselves have sent HEADERS or DATA. So the first pings of a silence come within seconds, when
 * a Pod has most likely died that had calls, and the next only as the servers allow; a new call on a silent connection is
 * reason for one more.
 */
export class PingSchedule {
  #heardMs: number;
  #sentMs = -Infinity;
  #quick = 0;
  /** Started when the last ping was sent: later ones are new. */
  #callsAtPing = 0;
  #last: ConnectionSigns;
  readonly #patientMs: number;
  readonly #isAllowed: boolean;

  /** @param refusals how often the server has ended a connection for pings: it allows fewer than others */
  constructor(nowMs: number, signs: ConnectionSigns, refusals: number) {
    this.#heardMs = nowMs;
    this.#last = signs;
    this.#patientMs = PATIENT_MS * 2 ** refusals;
    this.#isAllowed = refusals === 0;
  }

  /** Looks at the connection, and says whether to ping it now; to be asked about every second while calls are under way. */
  isDue(nowMs: number, signs: ConnectionSigns): boolean {
    this.#look(nowMs, signs);
    const quietMs = nowMs - this.#heardMs;
    if (quietMs < QUIET_MS) return false;
    const sinceMs = nowMs - this.#sentMs;
    if (sinceMs >= this.#patientMs) return true;
    if (!this.#isAllowed) return false;
    if (this.#quick === 0) return true;
    if (this.#quick < STEADY_QUICK_PINGS && sinceMs >= SECOND_MS) return true;
    return this.#quick < QUICK_PINGS && signs.callsStarted > this.#callsAtPing && sinceMs >= QUIET_MS;
  }

  sent(nowMs: number, signs: ConnectionSigns): void {
    this.#sentMs = nowMs;
    this.#quick++;
    this.#callsAtPing = signs.callsStarted;
  }

  /** An answer to a ping is a sign of life, but no data. */
  acknowledged(nowMs: number, { bytesRead }: ConnectionSigns): void {
    this.#heardMs = nowMs;
    this.#last = { ...this.#last, bytesRead };
  }

  #look(nowMs: number, signs: ConnectionSigns): void {
    const { bytesRead, dataReceived, callsAnswered } = this.#last;
    this.#last = signs;
    const isData = signs.callsAnswered > callsAnswered || signs.dataReceived !== dataReceived;
    if (isData) this.#quick = 0;
    if (isData || signs.bytesRead !== bytesRead) this.#heardMs = nowMs;
  }
}
