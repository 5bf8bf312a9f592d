"""What a tenant consists of: names, people and shapes of servers, drawn from the seed. No cloud here."""

import random
from dataclasses import dataclass

PARENT = "acme"
CHILDREN = ("shop", "lab", "mail", "data", "press", "maps")
PEOPLE = ("alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi", "ivan", "judy", "karl", "lena")


@dataclass(frozen=True)
class Person:
    """A user of one child project."""

    name: str
    password: str
    roles: tuple[str, ...]
    enabled: bool = True


@dataclass(frozen=True)
class Shape:
    """How a server is made.

    :param boot: ``image``, ``golden`` (the first child's private image), ``new-volume`` or ``volume``.
    :param nics: networks in order; the first gets a port made beforehand, with chosen addresses.
    :param data: volume types of its data volumes, in disk order.
    :param person: index of the user who makes it.
    :param apart: policy of its server group; the group is named like it.
    """

    name: str
    boot: str = "image"
    nics: tuple[str, ...] = ("app",)
    groups: tuple[str, ...] = ("web",)
    data: tuple[str, ...] = ()
    person: int = 0
    dressed: bool = False
    floating: bool = False
    apart: str = ""
    stopped: bool = False
    locked: bool = False


SHAPES = (
    Shape(
        "web-1",
        nics=("app", "shared"),
        data=("fast", "slow"),
        dressed=True,
        floating=True,
        apart="soft-anti-affinity",
    ),
    Shape("db-1", boot="new-volume", nics=("back", "app"), groups=("db", "default")),
    Shape("web-2", boot="volume", person=1, nics=("app", "back"), apart="soft-anti-affinity", locked=True),
    Shape("batch-1", boot="golden", groups=("default",), person=1, apart="anti-affinity", stopped=True),
)


@dataclass(frozen=True)
class Tenant:
    """A child project; ``index`` counts them and decides its addresses."""

    index: int
    short: str
    people: tuple[Person, ...]
    servers: tuple[Shape, ...]

    @property
    def name(self) -> str:
        """The project's name."""
        return f"{PARENT}-{self.short}"

    def named(self, what: str) -> str:
        """A name that tells this tenant's things from the others'."""
        return f"{self.short}-{what}"


def draw(seed: int, *what: object) -> random.Random:
    """The random numbers of one thing: the same for the same seed, whatever else is built."""
    return random.Random("/".join(map(str, (seed, *what))))  # noqa: S311 - test data, repeatable on purpose


def tenants(seed: int, projects: int, servers: int) -> list[Tenant]:
    """The child projects with their people and servers."""
    return [
        Tenant(index, _short(index), _people(seed, index), tuple(_shape(number) for number in range(servers)))
        for index in range(projects)
    ]


def _short(index: int) -> str:
    return CHILDREN[index] if index < len(CHILDREN) else f"unit-{index + 1}"


def _shape(number: int) -> Shape:
    return SHAPES[number] if number < len(SHAPES) else Shape(f"app-{number - len(SHAPES) + 1}")


def _people(seed: int, index: int) -> tuple[Person, ...]:
    roles = (("member", "operator"), ("member",), ("reader",))
    return tuple(
        Person(name, _password(seed, name), held, enabled=held != ("reader",))
        for name, held in zip((_person(3 * index + n) for n in range(3)), roles, strict=True)
    )


def _person(number: int) -> str:
    return PEOPLE[number] if number < len(PEOPLE) else f"user-{number + 1}"


def _password(seed: int, name: str) -> str:
    return f"{name}-{draw(seed, 'password', name).getrandbits(64):016x}"
