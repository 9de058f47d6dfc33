import type { ClientHttp2Session } from 'node:http2';
import { constants } from 'node:http2';
import type { Clock } from '../clock.ts';
import type { ConnectionSigns } from './ping-schedule.ts';
import { PingSchedule } from './ping-schedule.ts';

/** A connection that may die without a word. */
export interface Watched {
  /** As it is now; `undefined` while there is none. */
  readonly session: ClientHttp2Session | undefined;
  readonly activeRequests: number;
  readonly startedCalls: number;
  readonly failedCalls: number;
}

/** A connection; channels of the same target and options share it, and its pings. */
interface Watch {
  readonly session: ClientHttp2Session;
  readonly schedule: PingSchedule;
  waiting: boolean;
  callsStarted: number;
  callsAnswered: number;
}

/** What of a channel's part in a connection has been looked at. */
interface Seen {
  watch: Watch;
  started: number;
  answered: number;
  /** Connections that the server has ended for pings. */
  refusals: number;
}

const LOOK_MS = 1000;
/** A server whose process stands still for a moment is not dead. */
const ANSWER_MS = 5000;

const watches = new WeakMap<ClientHttp2Session, Watch>();

/**
 * Notices Pods whose node or network is gone: no FIN, no RST, and TCP would wait for a quarter of an hour. Connections with
 * calls under way on which nothing was heard for some seconds are pinged, and closed when no answer comes; the calls on them
 * end with UNAVAILABLE, and the endpoint is connected to anew. In place of grpc-js's own pings, which come at a fixed interval
 * and are taken for abuse by the servers of all other languages while a stream is silent.
 */
export class Liveness {
  readonly #clock: Clock;
  readonly #connections: () => Iterable<Watched>;
  readonly #seen = new WeakMap<Watched, Seen>();
  #cancel: () => void = () => undefined;

  /** @param connections those that are held at the moment it is called */
  constructor(clock: Clock, connections: () => Iterable<Watched>) {
    this.#clock = clock;
    this.#connections = connections;
  }

  start(): void {
    this.#cancel = this.#clock.setTimer(() => {
      this.start();
      for (const each of this.#connections()) if (each.activeRequests > 0) this.#look(each);
    }, LOOK_MS);
  }

  stop(): void {
    this.#cancel();
  }

  #look(watched: Watched): void {
    const { session } = watched;
    if (session === undefined || session.destroyed) return;
    const watch = this.#watchOf(watched, session);
    const { now } = this.#clock;
    const { schedule } = watch;
    if (watch.waiting || !schedule.isDue(now(), signsOf(watch))) return;
    schedule.sent(now(), signsOf(watch));
    watch.waiting = true;
    const cancel = this.#clock.setTimer(() => {
      // After a process has stood still, its timers come before what has been received meanwhile.
      setImmediate(() => {
        if (watch.waiting) session.destroy();
      });
    }, ANSWER_MS);
    const isSent = session.ping((error) => {
      cancel();
      watch.waiting = false;
      if (error === null) schedule.acknowledged(now(), signsOf(watch));
    });
    if (isSent) return;
    cancel();
    watch.waiting = false;
  }

  /** The connection's, with the calls that this channel has had on it since the last look. */
  #watchOf(watched: Watched, session: ClientHttp2Session): Watch {
    const { startedCalls, failedCalls, activeRequests } = watched;
    const answered = startedCalls - failedCalls - activeRequests;
    let seen = this.#seen.get(watched);
    if (seen?.watch.session !== session) {
      const refusals = seen?.refusals ?? 0;
      const watch = watches.get(session) ?? this.#create(session, refusals);
      seen = { watch, started: startedCalls, answered, refusals };
      this.#seen.set(watched, seen);
      const refused = seen;
      session.once('goaway', (code) => {
        if (code === constants.NGHTTP2_ENHANCE_YOUR_CALM) refused.refusals++;
      });
    }
    const { watch } = seen;
    watch.callsStarted += startedCalls - seen.started;
    watch.callsAnswered += answered - seen.answered;
    seen.started = startedCalls;
    seen.answered = answered;
    return watch;
  }

  #create(session: ClientHttp2Session, refusals: number): Watch {
    const signs = { ...octetsOf(session), callsStarted: 0, callsAnswered: 0 };
    const schedule = new PingSchedule(this.#clock.now(), signs, refusals);
    const watch: Watch = { session, schedule, waiting: false, callsStarted: 0, callsAnswered: 0 };
    watches.set(session, watch);
    return watch;
  }
}

function signsOf({ session, callsStarted, callsAnswered }: Watch): ConnectionSigns {
  return { ...octetsOf(session), callsStarted, callsAnswered };
}

function octetsOf({ socket, state }: ClientHttp2Session): Pick<ConnectionSigns, 'bytesRead' | 'dataReceived'> {
  return { bytesRead: socket.bytesRead, dataReceived: state.effectiveRecvDataLength ?? 0 };
}
