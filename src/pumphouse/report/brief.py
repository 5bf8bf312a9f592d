"""A difference in few words: of long values only what is not the same."""

import json
from typing import Any

from pumphouse.model import Difference


def sides(difference: Difference, longest: int = 160) -> tuple[str, str]:
    """What the source and what the destination has, as text of at most ``longest`` characters each."""
    source, destination = narrow(difference.source, difference.destination)
    return _text(source, longest), _text(destination, longest)


def narrow(one: Any, other: Any) -> tuple[Any, Any]:
    """Two different values without what they have in common."""
    if isinstance(one, dict) and isinstance(other, dict):
        pairs = {k: narrow(one.get(k), other.get(k)) for k in {**one, **other} if one.get(k) != other.get(k)}
        return {k: pair[0] for k, pair in pairs.items()}, {k: pair[1] for k, pair in pairs.items()}
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        mine, theirs = [v for v in one if v not in other], [v for v in other if v not in one]
        if not mine and not theirs:
            return one, other  # the order differs
        if len(mine) != len(theirs):
            return mine, theirs
        pairs_ = [narrow(a, b) for a, b in zip(mine, theirs, strict=True)]
        return [pair[0] for pair in pairs_], [pair[1] for pair in pairs_]
    return one, other


def _text(value: Any, longest: int) -> str:
    text = value if isinstance(value, str) and value else json.dumps(value, default=str, ensure_ascii=False)
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
