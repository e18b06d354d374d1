"""What the timed processes of `painnless bench` share: a JSON object a line on standard input, one answer a line on standard output."""

import json
import os
import signal
import sys
from collections.abc import Callable, Mapping
from typing import Any

from painnless.errors import PainnlessError
from painnless.worker.lifeline import assert_parent, die_with_parent

__all__ = ["Methods", "answer_lines"]

Methods = Mapping[str, Callable[..., dict[str, Any]]]


def answer_lines(parent: int, prepare: Callable[[], tuple[dict[str, Any], Methods]]) -> int:
    """Answers requests until the input ends, or the parent does.

    parent: process id of who asks. prepare: gives what the first answer says beside {"kind": "ready"}, and what answers a request by its
    "kind", whose other fields are the arguments. A PainnlessError of it is the only answer, and the exit status is 1, else 0.
    """
    die_with_parent(signal.SIGKILL)
    assert_parent(parent)
    # Packages and their children write to file descriptor 1 as they please; answers go where it pointed to before.
    with os.fdopen(os.dup(1), "w", encoding="utf8") as answers:
        os.dup2(2, 1)

        def say(answer: dict[str, Any]) -> None:
            answers.write(json.dumps(answer) + "\n")
            answers.flush()

        try:
            ready, methods = prepare()
        except PainnlessError as exc:
            say({"kind": "error", "message": str(exc)})
            return 1
        say({"kind": "ready", **ready})
        for line in sys.stdin:
            say(_answer(methods, json.loads(line)))
    return 0


def _answer(methods: Methods, request: dict[str, Any]) -> dict[str, Any]:
    kind = request.pop("kind")
    try:
        return methods[kind](**request)
    except PainnlessError as exc:
        return {"kind": "error", "message": str(exc)}
    # Whatever a package or a compiler throws is an answer to this request, and the parent decides what to do about it.
    except Exception as exc:
        return {"kind": "error", "message": f"{type(exc).__name__}: {exc}"[:2000]}
