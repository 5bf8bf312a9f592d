"""How projects are told apart: a colour and two letters, for colour alone tells some people nothing."""

import re
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

TONES = 12  # colours of the style sheet


@dataclass(frozen=True)
class Sign:
    """The sign of a project.

    :param tone: number of its colour. :param code: two characters that no other project has.
    """

    project: str
    tone: int
    code: str


class Signs:
    """The signs of all projects; what a project got once it keeps."""

    def __init__(self) -> None:
        self._signs: dict[str, Sign] = {}
        self._lock = threading.Lock()

    def of(self, projects: Iterable[str]) -> dict[str, Sign]:
        """The signs of these projects, by name, in the order of the names."""
        names = sorted(set(projects), key=str.casefold)
        with self._lock:
            taken = {sign.code for sign in self._signs.values()}
            for name in names:
                if name not in self._signs:
                    code = next(code for code in _codes(name) if code not in taken)
                    taken.add(code)
                    self._signs[name] = Sign(name, len(self._signs) % TONES, code)
            return {name: self._signs[name] for name in names}


def _codes(name: str) -> Iterator[str]:
    """Two letters that remind of a name, the best first; numbers when everybody wants them."""
    words = [word for word in re.split(r"[^0-9a-zA-Z]+", name) if word] or ["x"]
    first = words[0][0].upper()
    if len(words) > 1:
        yield first + words[-1][0].upper()
        yield from (first + word[0].upper() for word in words[1:-1])
    letters = "".join(words)[1:]
    yield from (first + letter.lower() for letter in letters)
    yield from (first + str(number) for number in range(10))
    yield from (f"{number:02}" for number in range(100))
    yield from (f"{number}" for number in range(100, 100_000))
