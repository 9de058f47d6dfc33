/** Numbers of the DNS protocol that this server knows (RFC 1035 §3.2, §4.1; RFC 3596; RFC 6891; IANA DNS parameters). */

export const RECORD_TYPE = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  PTR: 12,
  TXT: 16,
  AAAA: 28,
  SRV: 33,
  OPT: 41,
  IXFR: 251,
  AXFR: 252,
} as const;

export const RESPONSE_CODE = {
  NOERROR: 0,
  FORMERR: 1,
  SERVFAIL: 2,
  NXDOMAIN: 3,
  NOTIMP: 4,
  REFUSED: 5,
  /** Needs the upper bits that only an OPT record has (RFC 6891 §6.1.3). */
  BADVERS: 16,
} as const;
export type ResponseCode = (typeof RESPONSE_CODE)[keyof typeof RESPONSE_CODE];

export const CLASS_IN = 1;
export const CLASS_ANY = 255;

export const HEADER_LENGTH = 12;
export const FLAG_RESPONSE = 0x8000;
export const FLAG_AUTHORITATIVE = 0x0400;
export const FLAG_TRUNCATED = 0x0200;
export const FLAG_RECURSION_DESIRED = 0x0100;
export const FLAG_RECURSION_AVAILABLE = 0x0080;
export const FLAG_AUTHENTIC_DATA = 0x0020;
export const FLAG_CHECKING_DISABLED = 0x0010;

/** The top bits of a two-octet compression pointer (RFC 1035 §4.1.4). */
export const POINTER = 0xc000;

/** Offsets a pointer can hold. */
export const MAX_POINTER = 0x3fff;

/** What a UDP answer may have without EDNS (RFC 1035 §4.2.1), and the least an EDNS size can mean (RFC 6891 §6.2.3). */
export const MIN_UDP_SIZE = 512;
/** The most we send in one datagram: never fragmented on a path of the IPv6 minimum MTU (DNS Flag Day 2020). */
export const MAX_UDP_SIZE = 1232;
export const MAX_TCP_SIZE = 65535;

/** An OPT record without options: root name, type, size, extended code and flags, no data. */
export const OPT_LENGTH = 11;
export const EDNS_DNSSEC_OK = 0x8000;
