// What ts-proto writes for backend.proto, cut down to what the two clients use and without types: a service for grpc-js
// (`outputServices=grpc-js`) and one for nice-grpc (`outputServices=generic-definitions`). Yours is generated.
import { makeGenericClientConstructor } from '@grpc/grpc-js';

const finished = (bytes) => ({ finish: () => bytes });

export const Question = {
  encode: () => finished(new Uint8Array()),
  decode: () => ({}),
  fromPartial: () => ({}),
};

export const Answer = {
  encode({ name }) {
    const text = new TextEncoder().encode(name);
    return finished(Uint8Array.from(text.length === 0 ? [] : [0x0a, text.length, ...text]));
  },
  decode: (bytes) => ({ name: bytes.length === 0 ? '' : new TextDecoder().decode(bytes.subarray(2, 2 + bytes[1])) }),
  fromPartial: ({ name = '' } = {}) => ({ name }),
};

/** For grpc-js. */
export const BackendService = {
  whoAreYou: {
    path: '/demo.Backend/WhoAreYou',
    requestStream: false,
    responseStream: false,
    requestSerialize: (value) => Buffer.from(Question.encode(value).finish()),
    requestDeserialize: (value) => Question.decode(value),
    responseSerialize: (value) => Buffer.from(Answer.encode(value).finish()),
    responseDeserialize: (value) => Answer.decode(value),
  },
};

export const BackendClient = makeGenericClientConstructor(BackendService, 'demo.Backend');

/** For nice-grpc. */
export const BackendDefinition = {
  name: 'Backend',
  fullName: 'demo.Backend',
  methods: {
    whoAreYou: {
      name: 'WhoAreYou',
      requestType: Question,
      requestStream: false,
      responseType: Answer,
      responseStream: false,
      options: {},
    },
  },
};
