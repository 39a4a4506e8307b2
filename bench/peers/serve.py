"""A contender's side of the harness protocol (see bench/harness/contender.mjs), for peers written in Python."""

import json
import os
import sys
import time


def serve(open_contender):
    """Answers the harness until it says quit or goes away.

    open_contender: builds the model, trains its first steps and returns (introduction, train), where introduction is
    what `ready` reports and train(steps) trains that many more steps and returns when the work is done.
    """
    # Libraries print to file descriptor 1 as they like: the protocol keeps a copy of it, and 1 becomes stderr.
    channel = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)

    def send(message):
        channel.write(json.dumps(message) + "\n")

    try:
        introduction, train = open_contender()
        send({"ready": True, **introduction})
        for line in sys.stdin:
            request = json.loads(line)
            if request.get("quit"):
                break
            start = time.perf_counter()
            train(request["steps"])
            send({"msPerStep": (time.perf_counter() - start) * 1000 / request["steps"]})
    except Exception as error:  # the harness reports one line and goes on without this peer
        send({"error": f"{type(error).__name__}: {error}".splitlines()[0]})
        sys.exit(1)
