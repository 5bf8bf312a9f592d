"""What a cloud holds, as an immutable value: lookups and subsets."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cached_property

from pumphouse.model import Item, NetworkFacts, make_key


class Inventory:
    """All items read from one cloud.

    :param role: ``source`` or ``destination``.
    :param network: what its network service is; None when nobody asked.
    """

    def __init__(self, role: str, items: Iterable[Item], network: NetworkFacts | None = None) -> None:
        self.role = role
        self.network = network
        self._items = {item.key: item for item in items}

    def __iter__(self) -> Iterator[Item]:
        return iter(self._items.values())

    def __len__(self) -> int:
        return len(self._items)

    def __contains__(self, key: str) -> bool:
        return key in self._items

    def get(self, kind: str, identifier: str | None) -> Item | None:
        """The item of this kind and id, or None."""
        return self._items.get(make_key(kind, identifier)) if identifier else None

    def by_key(self, key: str) -> Item | None:
        """The item of this key, or None."""
        return self._items.get(key)

    def of(self, kind: str) -> tuple[Item, ...]:
        """All items of a kind, in the order they were read."""
        return tuple(self._by_kind.get(kind, ()))

    @cached_property
    def _by_kind(self) -> dict[str, list[Item]]:
        kinds: dict[str, list[Item]] = defaultdict(list)
        for item in self:
            kinds[item.kind].append(item)
        return dict(kinds)

    def name_of(self, kind: str, identifier: str | None) -> str:
        """The name of an item for a person; its id when it is unknown, empty when there is none."""
        item = self.get(kind, identifier)
        return item.name if item else identifier or ""
