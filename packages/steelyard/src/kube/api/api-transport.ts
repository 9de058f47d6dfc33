/** A GET of the API server. */
export interface ApiRequest {
  /** With its query. */
  readonly path: string;
  readonly accept: string;
  /** Ends the request, and the body if it is still coming. */
  readonly signal: AbortSignal;
}

export interface ApiResponse {
  readonly status: number;
  /** Header `retry-after`. */
  readonly retryAfter?: string;
  /** Throws {@link ConnectionFailure} when the connection is lost before its end. */
  readonly body: AsyncIterable<Buffer>;
}

/** How requests get to the API server. Shared by all that watch it, so that they share its few connections. */
export interface ApiTransport {
  /** @throws ConnectionFailure when no response came */
  request(request: ApiRequest): Promise<ApiResponse>;
  close(): void;
}

/** The API server was not reached, or the connection broke: nothing is known of what it would have said. */
export class ConnectionFailure extends Error {
  override readonly name = 'ConnectionFailure';
}

/** The API server said no: a `Status` object as an answer, or as an ERROR event inside of a stream. */
export class ApiFailure extends Error {
  override readonly name = 'ApiFailure';
  /** HTTP's code; that of the Status object where it came inside of a stream. */
  readonly status: number;
  /** `Expired`, `Forbidden`, … as the Status object says it. */
  readonly reason: string;
  /** Not before this time is over; from `Retry-After` or `details.retryAfterSeconds`. */
  readonly retryAfterMs: number | undefined;
  /** `details.causes[].reason`. */
  readonly causes: readonly string[];

  constructor(said: {
    readonly status: number;
    readonly reason: string;
    readonly message: string;
    readonly retryAfterMs?: number | undefined;
    readonly causes?: readonly string[];
  }) {
    super(said.message);
    this.status = said.status;
    this.reason = said.reason;
    this.retryAfterMs = said.retryAfterMs;
    this.causes = said.causes ?? [];
  }
}
