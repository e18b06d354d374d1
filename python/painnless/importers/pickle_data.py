"""A pickle read as data: nothing in it is imported, looked up or called.

`pickletools` splits the stream into opcodes; this file gives each opcode the meaning it has for plain data, and turns every class,
function and call into an inert record of its name and arguments. No code path leads from a name in the file to the thing named.
"""

import io
import pickletools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from painnless.errors import PainnlessError

__all__ = ["Global", "Instance", "Persistent", "read_pickle"]

MAX_PICKLE_BYTES = 4 << 20


@dataclass(frozen=True)
class Global:
    """The name of a class or function; never the thing itself."""

    name: str


@dataclass(eq=False)
class Instance:
    """What the file says to make: `cls(*args)`, then `state` as its attributes. Nothing was made."""

    cls: Global
    args: tuple[Any, ...]
    state: Any = None

    def __repr__(self) -> str:  # args and state may be huge, or contain the object itself
        return f"<{self.cls.name}>"


@dataclass(frozen=True, eq=False, repr=False)
class Persistent:
    """A reference to something stored beside the pickle."""

    id: Any


class _Mark:
    pass


_MARK = _Mark()
_CONSTANTS = frozenset(
    {
        "BININT",
        "BININT1",
        "BININT2",
        "LONG1",
        "LONG4",
        "BINFLOAT",
        "BINUNICODE",
        "SHORT_BINUNICODE",
        "BINUNICODE8",
        "BINBYTES",
        "SHORT_BINBYTES",
        "BINBYTES8",
    }
)
_LITERALS: dict[str, object] = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": ()}
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}


def read_pickle(data: bytes, allowed: Callable[[str], bool]) -> object:
    """The one object in `data`: dicts, lists, tuples, strings, numbers, and records of the above classes.

    allowed: is this "module.name" one that such a file may mention. Sets become lists; attributes set on dicts are dropped.
    Raises PainnlessError BAD_MODEL for a name that is not allowed, an opcode that data does not need, or a damaged stream.
    """
    if len(data) > MAX_PICKLE_BYTES:
        raise _bad(f"the pickle has {len(data)} bytes, more than the {MAX_PICKLE_BYTES} this program reads")
    try:
        return _run(data, allowed)
    except (IndexError, KeyError, ValueError, TypeError, OverflowError) as exc:
        raise _bad(f"the pickle is damaged: {type(exc).__name__} {str(exc)[:200]}") from exc


def _run(data: bytes, allowed: Callable[[str], bool]) -> object:
    stack: list[Any] = []
    memo: dict[int, Any] = {}

    def mention(name: str) -> Global:
        if not allowed(name):
            raise _bad(
                f"the pickle names {name[:200]}, which is not part of a checkpoint this program knows; nothing was executed", name[:200]
            )
        return Global(name)

    def since_mark() -> list[Any]:
        for k in range(len(stack) - 1, -1, -1):
            if stack[k] is _MARK:
                items = stack[k + 1 :]
                del stack[k:]
                return items
        raise IndexError("no mark on the stack")

    def pop(kind: type | tuple[type, ...] = object) -> Any:
        value = stack.pop()
        if value is _MARK or not isinstance(value, kind):
            raise TypeError(f"unexpected {type(value).__name__} on the stack")
        return value

    for opcode, arg, position in pickletools.genops(io.BytesIO(data)):
        op = opcode.name
        value: Any = arg
        if op in _CONSTANTS:
            stack.append(value)
        elif op in _LITERALS:
            stack.append(_LITERALS[op])
        elif op in ("PROTO", "FRAME"):
            pass
        elif op in ("BINPUT", "LONG_BINPUT", "MEMOIZE"):
            if stack[-1] is _MARK:
                raise TypeError("a mark in the memo")
            memo[len(memo) if op == "MEMOIZE" else value] = stack[-1]
        elif op in ("BINGET", "LONG_BINGET"):
            stack.append(memo[value])
        elif op == "MARK":
            stack.append(_MARK)
        elif op == "EMPTY_LIST":
            stack.append([])
        elif op == "EMPTY_DICT":
            stack.append({})
        elif op == "EMPTY_SET":
            stack.append([])
        elif op == "LIST":
            stack.append(since_mark())
        elif op == "TUPLE":
            stack.append(tuple(since_mark()))
        elif op in _TUPLES:
            items = [pop() for _ in range(_TUPLES[op])]
            stack.append(tuple(reversed(items)))
        elif op == "APPEND":
            item = pop()
            _top(stack, list).append(item)
        elif op in ("APPENDS", "ADDITEMS"):
            items = since_mark()
            _top(stack, list).extend(items)
        elif op == "SETITEM":
            item, key = pop(), pop()
            _set(_top(stack, dict), [key, item])
        elif op == "SETITEMS":
            items = since_mark()
            _set(_top(stack, dict), items)
        elif op == "DICT":
            made: dict[Any, Any] = {}
            _set(made, since_mark())
            stack.append(made)
        elif op == "GLOBAL":
            stack.append(mention(str(value).replace(" ", ".", 1)))
        elif op == "STACK_GLOBAL":
            name, module = pop(str), pop(str)
            stack.append(mention(f"{module}.{name}"))
        elif op in ("REDUCE", "NEWOBJ"):
            args, cls = pop(tuple), pop(Global)
            stack.append(_instance(cls, args))
        elif op == "INST":
            stack.append(_instance(mention(str(value).replace(" ", ".", 1)), tuple(since_mark())))
        elif op == "OBJ":
            cls, *items = since_mark()
            if not isinstance(cls, Global):
                raise TypeError("OBJ of something that is not a class")
            stack.append(_instance(cls, tuple(items)))
        elif op == "BUILD":
            state = pop()
            target = _top(stack, (Instance, dict))
            if isinstance(target, Instance):
                target.state = state
        elif op == "BINPERSID":
            stack.append(Persistent(pop()))
        elif op == "STOP":
            result = pop()
            if stack or position != len(data) - 1:
                raise ValueError("something follows the end")
            return result
        else:
            raise _bad(f"the pickle uses opcode {op} at byte {position}, which a checkpoint does not need; nothing was executed")
    raise ValueError("no end")


def _instance(cls: Global, args: tuple[Any, ...]) -> object:
    """Containers that pickle spells as calls become plain data, everything else a record."""
    if cls.name == "collections.OrderedDict":
        made: dict[Any, Any] = {}
        for pair in args[0] if args else ():
            if not isinstance(pair, (list, tuple)):
                raise TypeError("OrderedDict of something that is not pairs")
            _set(made, list(pair))
        return made
    if cls.name in ("__builtin__.set", "builtins.set"):
        return list(args[0]) if args else []
    return Instance(cls, args)


def _top(stack: list[Any], kind: type | tuple[type, ...]) -> Any:
    if not isinstance(stack[-1], kind):
        raise TypeError(f"unexpected {type(stack[-1]).__name__} on the stack")
    return stack[-1]


def _set(target: dict[Any, Any], items: list[Any]) -> None:
    """Keys are restricted: hashing a nested tuple can take exponential time."""
    if len(items) % 2:
        raise ValueError("a key without a value")
    for key, value in zip(items[::2], items[1::2], strict=True):
        if not isinstance(key, (str, int, Global)):
            raise TypeError(f"a dict key is a {type(key).__name__}")
        target[key] = value


def _bad(message: str, field: str | None = None) -> PainnlessError:
    return PainnlessError("BAD_MODEL", message, field)
