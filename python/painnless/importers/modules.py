"""A torch.nn module as a pickle describes it: every attribute read is ticked off, and what is left over is refused by name."""

from typing import Any

import numpy as np

from painnless.errors import PainnlessError
from painnless.importers.checkpoint import Checkpoint
from painnless.importers.pickle_data import Global, Instance

__all__ = ["Module"]

# Attributes every torch.nn.Module has. Hooks run on forward or load, so they must be empty; the others do not change a result.
_HOOKS = frozenset(
    {
        "_backward_hooks",
        "_backward_pre_hooks",
        "_forward_hooks",
        "_forward_hooks_with_kwargs",
        "_forward_hooks_always_called",
        "_forward_pre_hooks",
        "_forward_pre_hooks_with_kwargs",
        "_state_dict_hooks",
        "_state_dict_pre_hooks",
        "_load_state_dict_pre_hooks",
        "_load_state_dict_post_hooks",
    }
)
_HARMLESS = frozenset({"training", "_is_full_backward_hook", "_non_persistent_buffers_set"})


class Module:
    """One module of the tree. `path` is its name in the state dict, for messages."""

    def __init__(self, checkpoint: Checkpoint, value: object, path: str) -> None:
        if not isinstance(value, Instance) or not isinstance(value.state, dict):
            raise refused(path or "the file", shown(value), "a torch.nn module")
        self._checkpoint = checkpoint
        self.identity = value
        self.path = path
        self.kind = value.cls.name
        state: dict[Any, Any] = value.state
        self._attributes = {k: v for k, v in state.items() if k not in ("_parameters", "_buffers", "_modules")}
        self._tensors = {**self._table(state, "_parameters"), **self._table(state, "_buffers")}
        self._children = self._table(state, "_modules")
        for name in _HOOKS & self._attributes.keys():
            if self._attributes.pop(name):
                raise refused(self._name(name), "a hook", "none, because hooks are code")
        for name in _HARMLESS & self._attributes.keys():
            del self._attributes[name]

    def _table(self, state: dict[Any, Any], key: str) -> dict[str, Any]:
        table = state.get(key, {})
        if not isinstance(table, dict) or not all(isinstance(name, str) for name in table):
            raise refused(self._name(key), shown(table), "a table of names")
        return dict(table)

    def _name(self, name: str) -> str:
        return f"{self.path}.{name}" if self.path else name

    def expect(self, *kinds: str) -> "Module":
        if self.kind not in kinds:
            raise refused(self.path or "the model", f"a {self.kind}", " or ".join(kinds))
        return self

    def take(self, name: str, *kinds: type, default: Any = ...) -> Any:
        """An attribute of one of these types; `default` where older versions of the package did not have it."""
        if name not in self._attributes:
            if default is ...:
                raise refused(self._name(name), "nothing", "an attribute of that name")
            return default
        value = self._attributes.pop(name)
        if type(value) not in kinds:
            raise refused(self._name(name), shown(value), " or ".join("null" if kind is type(None) else kind.__name__ for kind in kinds))
        return value

    def ignore(self, *names: str) -> None:
        """Attributes that do not change a result."""
        for name in names:
            self._attributes.pop(name, None)

    def child(self, name: str) -> "Module":
        if name not in self._children:
            raise refused(self._name(name), "nothing", "a module of that name")
        return Module(self._checkpoint, self._children.pop(name), self._name(name))

    def has_child(self, name: str) -> bool:
        return name in self._children

    def items(self, kind: str, at_most: int = 64) -> list["Module"]:
        """The children of a ModuleList or Sequential, in order."""
        self.expect(kind)
        if len(self._children) > at_most or list(self._children) != [str(k) for k in range(len(self._children))]:
            raise refused(self.path, f"{len(self._children)} entries", f"at most {at_most}, numbered from 0")
        children = [self.child(str(k)) for k in range(len(self._children))]
        self.finish()
        return children

    def tensor(self, name: str) -> np.ndarray:
        value = self.optional_tensor(name)
        if value is None:
            raise refused(self._name(name), "nothing", "a tensor")
        return value

    def optional_tensor(self, name: str) -> np.ndarray | None:
        if name not in self._tensors:
            return None
        value = self._tensors.pop(name)
        return None if value is None else self._checkpoint.array(value, self._name(name))

    def attribute_tensor(self, name: str) -> np.ndarray:
        """A tensor kept as a plain attribute, outside the state dict."""
        return self._checkpoint.array(self.take(name, Instance), self._name(name))

    def finish(self) -> None:
        """Refuses what was not read: an unknown flag, tensor or module may change the result."""
        for what, left in ("tensor", self._tensors), ("module", self._children), ("flag", self._attributes):
            for name in left:
                message = f"{what} {self._name(str(name)[:100])} of {self.kind} is unknown to painnless"
                raise PainnlessError("UNSUPPORTED", f"{message}; it may change the result, so the file is refused", str(name)[:100])


def refused(name: str, found: str, expected: str) -> PainnlessError:
    return PainnlessError("UNSUPPORTED", f"{name} is {found}, expected {expected}", name or None)


def shown(value: object) -> str:
    """A short description that never walks into `value`: what a file holds may be endless."""
    if isinstance(value, (bool, int, float, type(None))):
        return repr(value)[:40]
    if isinstance(value, str):
        return repr(value[:40])
    if isinstance(value, Global):
        return value.name[:80]
    if isinstance(value, Instance):
        return f"a {value.cls.name[:80]}"
    return f"a {type(value).__name__}"
