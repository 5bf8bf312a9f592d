"""Kind: the contract of a resource type, and the defaults that most types share.

A kind is data first. Reading, creating, comparing and deleting are written once here; a kind overrides a method
only where an oddity of OpenStack forces it to, and says which. Field names are those of the API reference.
"""

import copy
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from pumphouse.model import Fields, Item
from pumphouse.policy import Policy
from pumphouse.ports import Cloud
from pumphouse.references import Lookup, Ref, references, replace

__all__ = ["Api", "Found", "Kind", "Lookup", "Ref", "references"]

Found = Mapping[str, list[Item]]


@dataclass(frozen=True)
class Api:
    """Where a collection lives: catalog type, path, and the names that wrap one and many in a body."""

    service: str
    path: str
    one: str
    many: str


class Kind:
    """One resource type.

    :cvar name: what it is called, in the singular.
    :cvar api: where it is found.
    :cvar refs: which fields point at which kinds; strong ones are the dependencies.
    :cvar portable: fields that are sent when creating, and compared.
    :cvar compared: fields that are compared besides; they are set by a later call, or follow from others.
    :cvar identity: natural key by which a counterpart is found on the other side.
    :cvar companion_of: paths of references; comes along when all they point at is selected.
    :cvar reads_after: kinds that must be read before this one.
    :cvar reuse_different: a counterpart that was there before may differ (it belongs to the destination).
    :cvar reuse_only: never made; the deployer of the destination provides it.
    :cvar way_out: what an operator may do about a counterpart that differs, in a few words.
    :cvar shared: several of the source may have the same counterpart.
    :cvar grants: lets somebody do or use something, and holds nothing itself: taken back in the destination when it
        was at the source.
    :cvar in_tables: made in Keystone's tables: no API can.
    :cvar payload: it carries data besides its fields (an image, a disk).
    :cvar moves: moved in the cutover, with downtime; everything else is prepared before.
    :cvar skips_along: is skipped, and not blocked, when something that it needs is skipped.
    :cvar held: fields that are set in the cutover only, because source and destination would disturb
        each other on the network if both had them.
    :cvar fixed: fields that no API changes once it is made; its owner never is.
    :cvar emptied: field → what is sent when the source no longer sets it; None when it is not here.
    :cvar secret: fields whose values reach no ledger, plan or report; so their changes are not noticed either.
    :cvar acts_in_project: belongs to the project and user of the token that makes it.
    :cvar project_field: field that names the owning project.
    :cvar left_at_source: ``commit`` does not delete it; why.
    :cvar notes: field that is carried → what to know about it. These three are for people: the table of supported
        resources is made of them and of the fields above.
    :cvar chosen: field → the policy that decides about it.
    :cvar lost: field that cannot be carried → why.
    """

    name: ClassVar[str]
    api: ClassVar[Api]
    refs: ClassVar[tuple[Ref, ...]] = ()
    portable: ClassVar[tuple[str, ...]] = ()
    compared: ClassVar[tuple[str, ...]] = ()
    identity: ClassVar[tuple[str, ...]] = ("name", "project_id")
    companion_of: ClassVar[tuple[str, ...]] = ()
    reads_after: ClassVar[tuple[str, ...]] = ()
    reuse_different: ClassVar[bool] = False
    reuse_only: ClassVar[bool] = False
    way_out: ClassVar[str] = ""
    shared: ClassVar[bool] = False
    grants: ClassVar[bool] = False
    in_tables: ClassVar[bool] = False
    payload: ClassVar[bool] = False
    moves: ClassVar[bool] = False
    skips_along: ClassVar[bool] = False
    held: ClassVar[tuple[str, ...]] = ()
    fixed: ClassVar[tuple[str, ...]] = ()
    emptied: ClassVar[Mapping[str, Any]] = {}
    secret: ClassVar[tuple[str, ...]] = ()
    acts_in_project: ClassVar[bool] = False
    project_field: ClassVar[str | None] = "project_id"
    left_at_source: ClassVar[str] = ""
    notes: ClassVar[Mapping[str, str]] = {}
    chosen: ClassVar[Mapping[str, str]] = {}
    lost: ClassVar[Mapping[str, str]] = {}

    # --- reading --------------------------------------------------------------------------------
    def read(self, cloud: Cloud, found: Found) -> Iterator[Item]:
        """Every resource of this kind in the cloud, as seen by an administrator.

        :param found: items of the kinds in ``reads_after``.
        """
        for body in cloud.pages(self.api.service, self.api.path, self.api.many, **self.query(cloud)):
            item = self.item(body)
            if item is not None:
                yield item

    def implied(self, found: Found) -> Iterator[Item]:
        """Those that no listing shows, and that other resources still tell of.

        :param found: every item that was read.
        """
        yield from ()

    def query(self, cloud: Cloud) -> dict[str, Any]:
        """Query of the listing."""
        return {}

    def item(self, body: dict[str, Any]) -> Item | None:
        """One element of the listing as an item; None for what is not ours to look at."""
        names = (*self.portable, *self.compared)
        fields = {name: body[name] for name in names if name in body}
        return Item(
            self.name,
            str(body["id"]),
            str(body.get("name") or body["id"]),
            body.get(self.project_field) if self.project_field else None,
            self.normalise(fields),
            {name: body[name] for name in self.observe() if name in body},
        )

    def observe(self) -> Iterable[str]:
        """Fields of the listing that decisions need and that are not carried."""
        return ("status",)

    def normalise(self, fields: dict[str, Any]) -> dict[str, Any]:
        """The same meaning gives the same value: order, defaults."""
        return fields

    def automatic(self, item: Item) -> bool:
        """Whether it exists as soon as its project does, so that it is made equal rather than made."""
        return False

    def skip_reason(self, item: Item) -> str:
        """Why this one is not carried over, in words; empty when it is."""
        return ""

    def belongs(self, item: Item, selected: Container[str]) -> bool:
        """Whether it comes along with what is selected.

        :param selected: keys.
        """
        kinds = {ref.path: ref.kind for ref in self.refs}
        keys = [[f"{kinds[path]}:{i}" for i in references(item.fields, path)] for path in self.companion_of]
        return bool(keys) and all(part and all(key in selected for key in part) for part in keys)

    def never_made(self, item: Item) -> str:
        """Why a counterpart of this one is found or nothing: the destination's deployer provides it."""
        return ""

    def due(self, item: Item, data: Fields) -> str:
        """What is still to be done though the counterpart is finished, in words; empty when nothing is.

        :param data: facts of its row in the ledger.
        """
        return ""

    def candidates(self, want: Fields, item: Item, there: Iterable[Item]) -> list[Item]:
        """Which of the destination's items may be the counterpart: those of the same natural key."""
        return [
            other
            for other in there
            if all(other.fields.get(name) == want.get(name) for name in self.identity)
        ]

    # --- making ---------------------------------------------------------------------------------
    def create(self, cloud: Cloud, want: dict[str, Any], item: Item) -> str:
        """Make the counterpart and return its id; nothing that can fail comes after the creating call.

        :param want: the fields with references already those of the destination.
        """
        return self.post(cloud, {name: want[name] for name in self.portable if name in want})

    def post(self, cloud: Cloud, body: dict[str, Any]) -> str:
        """The creating call: a POST to the collection."""
        answer = cloud.post(self.api.service, self.api.path, {self.api.one: body})
        return str(answer[self.api.one]["id"])

    def finish(self, cloud: Cloud, identifier: str, want: dict[str, Any], item: Item) -> None:
        """What the creating call cannot set; safe to repeat."""

    def update(self, cloud: Cloud, identifier: str, want: dict[str, Any], have: Fields, item: Item) -> None:
        """Carry over what changed at the source since; safe to repeat.

        :param have: what is to be changed, and nothing else: the names that :meth:`compare` gives, with what the
            counterpart has there.
        """
        body = {name: want[name] for name in self.portable if name in have}
        if body:
            send = cloud.patch if self.api.service == "identity" else cloud.put
            send(self.api.service, f"{self.api.path}/{identifier}", {self.api.one: body})
        if any(name in have for name in self.compared):
            self.finish(cloud, identifier, want, item)

    def activate(self, cloud: Cloud, identifier: str, want: dict[str, Any]) -> None:
        """Set the held fields, once the source is down; safe to repeat."""

    def delete(self, cloud: Cloud, identifier: str) -> None:
        """Remove it; absence is success."""
        cloud.delete(self.api.service, f"{self.api.path}/{identifier}")

    # --- comparing ------------------------------------------------------------------------------
    def compare(self, want: Fields, have: Fields) -> Iterator[tuple[str, Any, Any]]:
        """``(field, wanted, found)`` for every field that differs."""
        for name in (*self.portable, *self.compared):
            if name in want and want[name] != have.get(name):
                yield name, want[name], have.get(name)

    def set_later(self) -> tuple[str, ...]:
        """Fields that the creating call does not set: they say nothing about what an interrupted run made."""
        return (*self.compared, *self.held)

    def target(self, item: Item, lookup: Lookup) -> dict[str, Any]:
        """The fields with every reference replaced by the id of its counterpart in the destination.

        :raises Missing: when a strong reference has no counterpart.
        """
        want = copy.deepcopy(dict(item.fields))
        for ref in self.refs:
            replace(want, ref, lookup, item)
        return self.normalise(want)

    def decide(self, want: dict[str, Any], item: Item, policy: Policy) -> dict[str, Any]:
        """What the operator decides about it; see ``chosen``.

        :param want: the fields as :meth:`target` gives them.
        :param policy: the one in force for this item.
        """
        return want

    def needs(self, item: Item, *, weak: bool = False) -> tuple[str, ...]:
        """Keys of the resources this one refers to; the weak references only when asked for."""
        keys = (
            f"{ref.kind}:{identifier}"
            for ref in self.refs
            if (weak or not ref.weak) and not ref.named
            for identifier in references(item.fields, ref.path)
        )
        return tuple(dict.fromkeys(keys))
