import { experimental } from '@grpc/grpc-js';

/** Resolves `steelyard-test:///` as the test says. One channel at a time. */
export class TestResolver implements experimental.Resolver {
  static listener: experimental.ResolverListener = () => true;
  static asked = 0;

  constructor(_target: experimental.GrpcUri, listener: experimental.ResolverListener) {
    TestResolver.listener = listener;
  }

  updateResolution(): void {
    TestResolver.asked++;
  }

  destroy(): void {
    // Nothing is held.
  }

  static getDefaultAuthority(): string {
    return 'test';
  }

  static resolve(...pods: readonly { readonly endpoint: experimental.Endpoint }[]): boolean {
    // Attributes that are new with each result must not make for new connections.
    const value = pods.map((pod) => pod.endpoint);
    return TestResolver.listener({ ok: true, value }, { fresh: {} }, null, 'the test said so');
  }
}

export function registerTestResolver(): void {
  experimental.registerResolver('steelyard-test', TestResolver);
}
