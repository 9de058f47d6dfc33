import { HEADER_LENGTH } from './protocol.ts';
import type { Responder, Transport } from './responder.ts';

/** As CoreDNS names them; the rest is `other` there too. */
const TYPE_NAMES: ReadonlyMap<number, string> = new Map([
  [1, 'A'],
  [2, 'NS'],
  [5, 'CNAME'],
  [6, 'SOA'],
  [12, 'PTR'],
  [15, 'MX'],
  [16, 'TXT'],
  [28, 'AAAA'],
  [33, 'SRV'],
  [252, 'AXFR'],
  [255, 'ANY'],
]);
const CODE_NAMES = ['NOERROR', 'FORMERR', 'SERVFAIL', 'NXDOMAIN', 'NOTIMP', 'REFUSED'];

/** What was asked and answered, counted under CoreDNS's names (plugin/metrics), so that its dashboards work. */
export class DnsMetrics {
  readonly #zone: string;
  readonly #requests = new Map<string, number>();
  readonly #responses = new Map<string, number>();

  constructor(zone: string) {
    this.#zone = zone;
  }

  /** The same answers, counted. */
  counting(respond: Responder): Responder {
    return (message, transport) => {
      const answer = respond(message, transport);
      if (answer !== undefined) this.#count(answer, transport);
      return answer;
    };
  }

  /** In the text format of Prometheus. */
  render(): string {
    const lines = [
      '# HELP coredns_dns_requests_total Counter of DNS requests made per zone, protocol and type.',
      '# TYPE coredns_dns_requests_total counter',
      ...this.#lines('coredns_dns_requests_total', this.#requests),
      '# HELP coredns_dns_responses_total Counter of response status codes.',
      '# TYPE coredns_dns_responses_total counter',
      ...this.#lines('coredns_dns_responses_total', this.#responses),
    ];
    return `${lines.join('\n')}\n`;
  }

  #count(answer: Buffer, proto: Transport): void {
    const code = CODE_NAMES[(answer[3] ?? 0) & 0xf] ?? 'other';
    add(this.#requests, `proto="${proto}",type="${typeOf(answer)}"`);
    add(this.#responses, `proto="${proto}",rcode="${code}"`);
  }

  #lines(name: string, counts: ReadonlyMap<string, number>): readonly string[] {
    return [...counts].map(([labels, count]) => `${name}{zone="${this.#zone}.",${labels}} ${count}`);
  }
}

function add(counts: Map<string, number>, labels: string): void {
  counts.set(labels, (counts.get(labels) ?? 0) + 1);
}

/** The type asked for, from the question that the answer repeats; an answer without one is an error's. */
function typeOf(answer: Buffer): string {
  let at = HEADER_LENGTH;
  for (let length = answer[at]; length !== undefined && length !== 0; length = answer[at]) at += 1 + length;
  const type = ((answer[at + 1] ?? 0) << 8) | (answer[at + 2] ?? 0);
  return TYPE_NAMES.get(type) ?? 'other';
}
