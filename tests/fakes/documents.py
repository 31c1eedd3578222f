"""Documents that nobody promised: what an answer may hold on a bad day."""

import copy
from typing import Any

from hypothesis import strategies as st

JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def bent(real: Any, weird: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """A real document with one to three of its parts, at any depth, made something weird."""
    places = st.lists(st.tuples(st.sampled_from(_paths(real)), weird), min_size=1, max_size=3)
    return places.map(lambda changes: _changed(real, changes))


def _paths(node: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner: list[tuple[Any, ...]] = []
    if isinstance(node, dict):
        inner = [each for key in node for each in _paths(node[key], (*path, key))]
    elif isinstance(node, list):
        inner = [each for at in range(len(node)) for each in _paths(node[at], (*path, at))]
    return [path, *inner] if path else inner


def _changed(real: Any, changes: list[tuple[tuple[Any, ...], Any]]) -> Any:
    document = copy.deepcopy(real)
    for path, strange in changes:
        _put(document, path, strange)
    return document


def _put(document: Any, path: tuple[Any, ...], strange: Any) -> None:
    """Where the path still leads: an earlier change may have cut it off."""
    for step in path[:-1]:
        try:
            document = document[step]
        except (KeyError, IndexError, TypeError):
            return
    try:
        document[path[-1]] = strange
    except (IndexError, TypeError):
        return
