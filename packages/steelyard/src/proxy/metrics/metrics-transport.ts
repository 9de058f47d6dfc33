/** What the connections of one side add up to. */
export interface TransportCounts {
  opened: number;
  closed: number;
  /** Of those closed: by an error of the socket, a refused or late connection among them. */
  failed: number;
  receivedOctets: number;
  sentOctets: number;
}

export function createTransportCounts(): TransportCounts {
  return { opened: 0, closed: 0, failed: 0, receivedOctets: 0, sentOctets: 0 };
}
