/** As CoreDNS names them (plugin/metrics/vars); the rest is `other` there too. */
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
  [43, 'DS'],
  [46, 'RRSIG'],
  [48, 'DNSKEY'],
  [64, 'SVCB'],
  [65, 'HTTPS'],
  [252, 'AXFR'],
  [255, 'ANY'],
]);
const CODE_NAMES = ['NOERROR', 'FORMERR', 'SERVFAIL', 'NXDOMAIN', 'NOTIMP', 'REFUSED'];

/** The label of a type of record. */
export function typeName(type: number): string {
  return TYPE_NAMES.get(type) ?? 'other';
}

/** The label of a response code. */
export function codeName(code: number): string {
  return CODE_NAMES[code] ?? 'other';
}
