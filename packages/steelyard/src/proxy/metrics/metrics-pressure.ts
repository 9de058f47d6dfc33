/** How near a process is to what it bears, and what it has done about that (docs/limits.md). */
export interface PressureReport {
  /** Octets held for peers at the moment. */
  readonly heldOctets: number;
  /** Streams that were refused for want of memory. */
  readonly refusedStreams: number;
  /** Connections that were relieved of what they held, most of them by closing them. */
  readonly relievedConnections: number;
  /** Connections that were closed as soon as they came, as there were too many. */
  readonly refusedConnections: number;
}

export const NO_PRESSURE: PressureReport = {
  heldOctets: 0,
  refusedStreams: 0,
  relievedConnections: 0,
  refusedConnections: 0,
};

export function mergePressure(reports: readonly PressureReport[]): PressureReport {
  return reports.reduce(
    (sum, report) => ({
      heldOctets: sum.heldOctets + report.heldOctets,
      refusedStreams: sum.refusedStreams + report.refusedStreams,
      relievedConnections: sum.relievedConnections + report.relievedConnections,
      refusedConnections: sum.refusedConnections + report.refusedConnections,
    }),
    NO_PRESSURE,
  );
}
