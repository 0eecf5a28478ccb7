"""RFC 6902: applies a JSON patch as an API server does, all of it or nothing."""

import copy
from typing import Any


class PatchError(Exception):
    """An operation that does not fit the document; says which one and why."""


def apply(document: Any, patch: list[dict]) -> Any:
    """The patched copy of `document`; the original is left alone."""
    holder = {"root": copy.deepcopy(document)}
    for index, operation in enumerate(patch):
        try:
            _apply_one(holder, operation)
        except (KeyError, IndexError, ValueError, TypeError) as error:
            raise PatchError(f"operation {index} ({operation.get('op')} {operation.get('path')}): {error}") from error
    return holder["root"]


def _apply_one(holder: dict, operation: dict) -> None:
    kind = operation["op"]
    tokens = _tokens(operation["path"])
    if kind == "add":
        _add(holder, tokens, operation["value"])
    elif kind == "remove":
        _remove(holder, tokens)
    elif kind == "replace":
        _remove(holder, tokens)
        _add(holder, tokens, operation["value"])
    elif kind == "test":
        if _get(holder, tokens) != operation["value"]:
            raise ValueError("the value is another one")
    elif kind == "copy":
        _add(holder, tokens, copy.deepcopy(_get(holder, _tokens(operation["from"]))))
    elif kind == "move":
        source = _tokens(operation["from"])
        if tokens[: len(source)] == source and tokens != source:
            raise ValueError("cannot move a value into itself")
        value = _get(holder, source)
        _remove(holder, source)
        _add(holder, tokens, value)
    else:
        raise ValueError(f"unknown operation `{kind}`")


def _tokens(pointer: str) -> list[str]:
    """RFC 6901: `/a~1b/0` names the members `a/b` and `0`. The whole document hangs below `root`."""
    if pointer and not pointer.startswith("/"):
        raise ValueError(f"`{pointer}` is no JSON pointer")
    return ["root"] + [token.replace("~1", "/").replace("~0", "~") for token in pointer.split("/")[1:]]


def _index(token: str, length: int) -> int:
    if not token.isdigit() or (len(token) > 1 and token[0] == "0"):
        raise ValueError(f"`{token}` is no array index")
    if int(token) >= length:
        raise IndexError(f"index {token} is beyond the end")
    return int(token)


def _get(holder: Any, tokens: list[str]) -> Any:
    for token in tokens:
        if isinstance(holder, list):
            holder = holder[_index(token, len(holder))]
        elif isinstance(holder, dict):
            if token not in holder:
                raise KeyError(f"there is no `{token}`")
            holder = holder[token]
        else:
            raise TypeError(f"`{token}` is asked of a plain value")
    return holder


def _add(holder: dict, tokens: list[str], value: Any) -> None:
    parent, last = _get(holder, tokens[:-1]), tokens[-1]
    value = copy.deepcopy(value)
    if isinstance(parent, list):
        parent.insert(len(parent) if last == "-" else _index(last, len(parent) + 1), value)
    elif isinstance(parent, dict):
        parent[last] = value
    else:
        raise TypeError(f"`{last}` cannot be added to a plain value")


def _remove(holder: dict, tokens: list[str]) -> None:
    parent, last = _get(holder, tokens[:-1]), tokens[-1]
    _get(parent, [last])
    del parent[_index(last, len(parent)) if isinstance(parent, list) else last]
