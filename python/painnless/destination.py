"""Where a server is, and the keys to reach it: `src/wire/destination.ts` and `curve.ts` in Python."""

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl

from painnless.errors import PainnlessError

__all__ = ["Curve", "Destination", "read_destination"]

_EXPECTED = "expected ipc://PATH or tcp://HOST:PORT?key=FILE&server=FILE"
_KEY = re.compile(r"[0-9a-zA-Z.\-:+=^!/*?&<>()\[\]{}@%$#]{40}")


@dataclass(frozen=True)
class Curve:
    """Keys in Z85: the client's pair, and the server's public one."""

    public: bytes
    secret: bytes
    server: bytes


@dataclass(frozen=True)
class Destination:
    """curve: None where no keys are needed."""

    endpoint: str
    curve: Curve | None


def read_destination(endpoint: str) -> Destination:
    """What an endpoint says. Raises UNSUPPORTED for another form, tcp without keys included; NOT_FOUND or USAGE for the key files."""
    if endpoint.startswith("ipc://"):
        return Destination(endpoint, None)
    if not endpoint.startswith("tcp://"):
        raise PainnlessError("UNSUPPORTED", f"endpoint {endpoint}: {_EXPECTED}", "endpoint")
    address, _, query = endpoint.partition("?")
    files = dict(parse_qsl(query))
    if files.keys() != {"key", "server"}:
        raise PainnlessError("UNSUPPORTED", f"endpoint {endpoint}: there is no plaintext TCP; {_EXPECTED}", "endpoint")
    public, secret = _key_pair(files["key"])
    return Destination(address, Curve(public, secret, _public_key(files["server"])))


def _key_pair(path: str) -> tuple[bytes, bytes]:
    match = re.fullmatch(r"public (\S+)\nsecret (\S+)\n", _text(path))
    if match is None or not all(map(_KEY.fullmatch, match.groups())):
        raise PainnlessError("USAGE", f"{path} is not a key pair of painnless keys", "key")
    return match[1].encode(), match[2].encode()


def _public_key(path: str) -> bytes:
    keys = [line.split()[0] for line in _text(path).splitlines() if line.strip()]
    if len(keys) != 1 or _KEY.fullmatch(keys[0]) is None:
        raise PainnlessError(
            "USAGE", f"{path} holds {len(keys)} lines, expected the server's public key alone, as painnless keys wrote it", "server"
        )
    return keys[0].encode()


def _text(path: str) -> str:
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            return file.read()
    except OSError as exc:
        raise PainnlessError("NOT_FOUND", f"cannot read key file {path}: {exc.strerror}") from exc
