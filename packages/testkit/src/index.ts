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
export { createTestSource, type TestPod, type TestSource } from './test-source.ts';
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
