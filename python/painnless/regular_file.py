"""Files that can be read to their end."""

import os
import stat
from typing import BinaryIO

from painnless.errors import PainnlessError

__all__ = ["open_regular"]

_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a character device",
    stat.S_IFBLK: "a block device",
}


def open_regular(path: str, what: str, field: str | None = None) -> BinaryIO:
    """The file, for reading: opening a pipe would wait for who writes into it, a device may have no end.

    what, field: in errors. Raises NOT_FOUND.
    """
    try:
        kind = stat.S_IFMT(os.stat(path).st_mode)
        if kind != stat.S_IFREG:
            raise PainnlessError("NOT_FOUND", f"cannot read {what} {path}: it is {_KINDS[kind]}, expected a regular file", field)
        return open(path, "rb")
    except OSError as exc:
        raise PainnlessError("NOT_FOUND", f"cannot read {what} {path}: {exc.strerror}", field) from exc
