"""Makes the interop suite's calls with Python's grpcio, gRPC's C core: an implementation that shares nothing with ours.

Usage: client.py PORT AUTHORITY < PLANS, one JSON object a line (tools/src/interop/call-plan.ts says what they hold).
Prints a line for each call that did not go as planned, then "done N".
"""

import concurrent.futures
import hashlib
import json
import struct
import sys
import threading
import time

import grpc

PATTERN_LENGTH = 1 << 19
THREADS = 24
CHANNELS = 3
CALL_TIMEOUT_S = 60
TEXT, BYTES, PLAN = "interop-text", "interop-bytes-bin", "interop-plan-bin"
RECEIVED_HASH, RECEIVED_COUNT = "interop-received-hash-bin", "interop-received-count"
SERVICE = "/steelyard.interop.Interop/"

CYCLE = b"".join(hashlib.sha256(str(i).encode()).digest() for i in range(PATTERN_LENGTH // 32))
PATTERN = CYCLE * 4
CODES = {code.value[0]: code for code in grpc.StatusCode}


def messages(sizes, offset):
    at = offset
    for size in sizes:
        start = at % PATTERN_LENGTH
        at += size
        yield PATTERN[start : start + size]


def connect(port, authority, index):
    return grpc.insecure_channel(
        f"127.0.0.1:{port}",
        options=[
            ("grpc.default_authority", authority),
            # Retries would hide what the proxy lost.
            ("grpc.enable_retries", 0),
            ("grpc.use_local_subchannel_pool", 1),
            ("interop.channel", index),
        ],
    )


class Conversation:
    """Request iterator of a bidi call: the next message follows the answer to the one before."""

    def __init__(self, plan, talk):
        self._messages = messages(plan["send"], plan["offset"])
        self._turn = threading.Semaphore(1)
        self._talk = talk

    def answered(self):
        self._turn.release()

    stop = answered

    def __iter__(self):
        return self

    def __next__(self):
        if self._talk and not self._turn.acquire(timeout=CALL_TIMEOUT_S):
            raise StopIteration
        return next(self._messages)


def values(metadata, key):
    return [value for name, value in metadata or () if name == key]


def judge_echo(plan, metadata, where):
    def normal(texts):
        return ",".join(texts).replace(", ", ",")

    text = values(metadata, TEXT)
    if normal(text) != normal(plan["text"]):
        return f"{TEXT} in the {where} is {text}"
    received = [value.hex() for value in values(metadata, BYTES)]
    if received != plan["bytes"]:
        return f"{BYTES} in the {where} is {received}"
    return None


def judge(plan, call, replies):
    outcome = plan["outcome"]
    said = f"{call.code()}: {call.details()}"
    if outcome["kind"] == "cancel":
        return None if call.code() is grpc.StatusCode.CANCELLED else f"expected CANCELLED, got {said}"
    if outcome["kind"] == "deadline":
        expected = grpc.StatusCode.DEADLINE_EXCEEDED
        return None if call.code() is expected else f"expected {expected}, got {said}"
    sizes = plan["reply"]
    trailers_only = outcome.get("trailersOnly", False)
    if outcome["kind"] == "error":
        if call.code() is not CODES[outcome["code"]]:
            return f"expected {CODES[outcome['code']]}, got {said}"
        if (call.details() or "") != outcome["message"]:
            return f"expected the message {outcome['message']!r}, got {call.details()!r}"
        if trailers_only or plan["kind"] in ("unary", "client-stream"):
            sizes = []
    elif call.code() is not grpc.StatusCode.OK:
        return f"expected OK, got {said}"
    if not trailers_only:
        echoed = judge_echo(plan, call.initial_metadata(), "headers")
        if echoed:
            return echoed
    expected = list(messages(sizes, plan["offset"]))
    if len(replies) != len(expected):
        return f"expected {len(expected)} messages, got {len(replies)}"
    if replies != expected:
        return "a message came as other bytes"
    trailers = call.trailing_metadata()
    # A call that ends with trailers alone may end before all of its messages have arrived.
    if outcome["kind"] == "ok" or plan["kind"] in ("unary", "server-stream"):
        digest = hashlib.sha256()
        for message in messages(plan["send"], plan["offset"]):
            digest.update(struct.pack(">I", len(message)))
            digest.update(message)
        if values(trailers, RECEIVED_COUNT) != [str(len(plan["send"]))]:
            return f"the backend got {values(trailers, RECEIVED_COUNT)} of {len(plan['send'])} messages"
        if values(trailers, RECEIVED_HASH) != [digest.digest()]:
            return "the backend got other bytes"
    return judge_echo(plan, trailers, "trailers")


def make_call(methods, plan):
    outcome = plan["outcome"]
    metadata = [(TEXT, text) for text in plan["text"]]
    metadata += [(BYTES, bytes.fromhex(value)) for value in plan["bytes"]]
    metadata.append((PLAN, json.dumps(plan).encode()))
    timeout = outcome["timeoutMs"] / 1000 if outcome["kind"] == "deadline" else CALL_TIMEOUT_S
    kind = plan["kind"]
    talk = kind == "bidi" and not outcome.get("trailersOnly", False)
    requests = Conversation(plan, talk)
    options = {"metadata": metadata, "timeout": timeout}
    replies = []
    if kind == "unary":
        call = methods[kind].future(next(requests), **options)
    elif kind == "client-stream":
        call = methods[kind].future(requests, **options)
    elif kind == "server-stream":
        call = methods[kind](next(requests), **options)
    else:
        call = methods[kind](requests, **options)
    try:
        if outcome["kind"] == "cancel":
            if kind == "unary":
                # grpcio hands over the headers of a unary call only with its end, so there is no sign to wait for.
                time.sleep(0.001 * (plan["id"] % 30))
            else:
                call.initial_metadata()
            call.cancel()
        if kind in ("unary", "client-stream"):
            try:
                replies.append(call.result())
            except (grpc.FutureCancelledError, grpc.RpcError):
                pass
        else:
            try:
                for reply in call:
                    replies.append(reply)
                    requests.answered()
            except grpc.RpcError:
                pass
        return judge(plan, call, replies)
    finally:
        requests.stop()


def main():
    port, authority = sys.argv[1:3]
    plans = [json.loads(line) for line in sys.stdin]
    channels = [connect(port, authority, index) for index in range(CHANNELS)]
    methods = [
        {
            "unary": channel.unary_unary(SERVICE + "Unary"),
            "client-stream": channel.stream_unary(SERVICE + "ClientStream"),
            "server-stream": channel.unary_stream(SERVICE + "ServerStream"),
            "bidi": channel.stream_stream(SERVICE + "Bidi"),
        }
        for channel in channels
    ]

    printing = threading.Lock()

    def run(plan):
        try:
            why = make_call(methods[plan["id"] % CHANNELS], plan)
        except Exception as error:  # Any surprise is the call's failure, with its text, not the end of the suite.
            why = repr(error)
        if why is not None:
            with printing:
                print(f"call {plan['id']} ({plan['kind']}, {plan['outcome']['kind']}): {why}", flush=True)

    with concurrent.futures.ThreadPoolExecutor(THREADS) as pool:
        for _ in pool.map(run, plans):
            pass
    print(f"done {len(plans)}", flush=True)
    for channel in channels:
        channel.close()


main()
