import { AUTHORITY, type TlsIdentity } from '@steelyard/tools/peers';

/** The name in the certificate below. */
export const TLS_NAME: string = AUTHORITY.replace(/:.*/, '');

/** Made once for the benchmark, with a life of a hundred years: it signs itself, and no machine trusts it. */
export const TLS_IDENTITY: TlsIdentity = {
  cert: `-----BEGIN CERTIFICATE-----
MIIBpDCCAUmgAwIBAgIBATAKBggqhkjOPQQDAjAqMSgwJgYDVQQDDB9iZW5jaC5k
ZWZhdWx0LnN2Yy5jbHVzdGVyLmxvY2FsMCAXDTIwMDEwMTAwMDAwMFoYDzIxMjAw
MTAxMDAwMDAwWjAqMSgwJgYDVQQDDB9iZW5jaC5kZWZhdWx0LnN2Yy5jbHVzdGVy
LmxvY2FsMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE9cv6Q0q9hKBhpg6fZQDv
VLCqk9a3MqJ7OvkxJwLlH5KbEjFMGuUwtry8e96ybQisRuDBAVt+aDEzpt0yflVr
T6NeMFwwDwYDVR0TAQH/BAUwAwEB/zAqBgNVHREEIzAhgh9iZW5jaC5kZWZhdWx0
LnN2Yy5jbHVzdGVyLmxvY2FsMB0GA1UdDgQWBBTHDUzu5TRM+Bi6o4do/RWNQIgt
OzAKBggqhkjOPQQDAgNJADBGAiEA0W/2JkSQVl0+ismuLz/tRZ6gk05JvtaOlYRc
y9u1Oc0CIQDJK+4g3ZYl5onKXydcAxYisw0mnS0NH5jMS3FAPkeQNA==
-----END CERTIFICATE-----
`,
  key: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgC3oDNV16r+ncJ5T4
hAUgNjxo7L5Wh55R3mqA/uqG2RehRANCAAT1y/pDSr2EoGGmDp9lAO9UsKqT1rcy
ons6+TEnAuUfkpsSMUwa5TC2vLx73rJtCKxG4MEBW35oMTOm3TJ+VWtP
-----END PRIVATE KEY-----
`,
};
