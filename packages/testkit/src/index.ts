export { WORKSPACE_ROOT, readWorkspaceFile, workspaceFiles } from './workspace.ts';
export {
  concat,
  literalBlock,
  parseRawFrames,
  PREFACE,
  type RawFrame,
  rawFrame,
  setting,
  uint32,
} from './raw-frames.ts';
export {
  collect,
  echo,
  type PodBehaviour,
  startPod,
  TestCaller,
  type TestPodServer,
  type TestReply,
} from './http2-peers.ts';
export { freePort, listenLocal } from './listen-local.ts';
export { createManualSource, type ManualSource } from './manual-source.ts';
export { memoryInUse, MemoryWatch } from './memory-in-use.ts';
export { PATIENCE } from './patience.ts';
export { createTestSource, type TestPod, type TestRules, type TestSource } from './test-source.ts';
export {
  CALL,
  ConnectionSubject,
  describeFrame,
  FLAG,
  FRAME,
  GRPC_OK,
  OK,
  REQUEST,
  request,
  RESPONSE,
  TRAILERS,
} from './connection-subject.ts';
export {
  type FakeApiServer,
  type FakeApiServerOptions,
  type FakeFault,
  startFakeApiServer,
} from './fake-api-server.ts';
export type { FakeRequest } from './fake-api-server-reads.ts';
export { fuzzRun, type FuzzRun, type Pick, randomOf, someBlock, someFrame } from './fuzzing.ts';
export { startTcpRelay, type TcpRelay } from './tcp-relay.ts';
export { type RealApiServer, startRealApiServer } from './real-api-server.ts';
export type { ApiServerUnderTest } from './api-server-under-test.ts';
export { TEST_CERTIFICATE } from './fake-api-server-certificate.ts';
export { type FakeObject, FakeStore, resourceOf } from './fake-api-server-store.ts';
