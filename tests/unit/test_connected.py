"""Servers that hang together are one application."""

from dataclasses import replace

import pytest
from worlds import (
    acme,
    changed,
    domain,
    network,
    new_cloud,
    port,
    project,
    replaced,
    server,
    server_group,
    volume,
    world,
)
from worlds import plan as make

from pumphouse.model import Item, Selection


def wired(name: str, *networks: str, owner: str = "acme") -> list[Item]:
    """A server with a port on each of these networks."""
    ports = [port(f"{name}-{net}", net, owner, server_=name) for net in networks]
    return [server(name, owner, "ann", ports=[each.id for each in ports]), *ports]


def shop() -> list[Item]:
    """web - app - db in a chain of networks; a lone one, and one that shares what everybody does."""
    return replaced(
        acme(),
        *(network(name, "acme") for name in ("front", "back", "own")),
        network("everyone", "admin", shared=True),
        *wired("web", "front", "everyone"),
        *wired("app", "front", "back"),
        *wired("db", "back", "public"),
        *wired("lone", "own", "everyone", "public"),
    )


def because(
    source: list[Item], *names: str, exclude: tuple[str, ...] = (), what: str = "server"
) -> dict[str, str]:
    selection = Selection(what, names, (), exclude, connected=True)
    return {s.name: s.because for s in make(world(source), selection).steps if s.because}


def test_the_chain_is_closed_and_said() -> None:
    assert because(shop(), "web") == {
        "app": "shares network front with web",
        "db": "shares network back with app, which shares network front with web",
    }
    assert because(shop(), "app") == {
        "web": "shares network front with app",
        "db": "shares network back with app",
    }


def test_what_everybody_uses_connects_nobody() -> None:
    assert because(shop(), "lone") == {}


def test_the_shortest_chain_is_the_one_that_is_said() -> None:
    assert because([*shop(), *wired("far", "back", "front")], "web")["far"] == "shares network front with web"


def test_a_connected_server_brings_what_it_needs() -> None:
    selection = Selection("server", ("web",), connected=True)
    keys = {step.key for step in make(world(shop()), selection).steps}
    assert {"server:db", "port:db-back", "network:back"} <= keys
    assert "server:lone" not in keys


def test_nothing_hangs_together_over_what_is_excluded() -> None:
    assert because(shop(), "web", exclude=("server:app",)) == {}
    assert set(because([*shop(), *wired("far", "front")], "web", exclude=("network:back",))) == {"app", "far"}


def test_server_groups_and_volumes_connect() -> None:
    disk = volume("both", "acme", "ann", observed={"attachments": [{"server_id": s} for s in ("one", "two")]})
    parts = (
        disk,
        server_group("near", "acme", "ann"),
        server("one", "acme", "ann", volumes=["both"]),
        server("two", "acme", "ann", volumes=["both"], group_="near"),
        server("three", "acme", "ann", group_="near"),
    )
    assert because(replaced(acme(), *parts), "one") == {
        "two": "shares volume both with one",
        "three": "shares server group near with two, which shares volume both with one",
    }


def test_servers_of_other_projects_come_too() -> None:
    other = [project("lab"), *wired("guest", "front", owner="lab")]
    found = because([*shop(), *other], "acme", what="project")
    assert found == {"guest": "shares network front with web"}


@pytest.mark.parametrize(
    ("what", "name", "found"),
    [
        ("network", "own", {"lone": "uses network own"}),
        ("network", "public", {}),
        ("volume", "data", {"web-1": "uses volume data"}),
    ],
)
def test_what_uses_a_named_resource_comes(what: str, name: str, found: dict[str, str]) -> None:
    assert because(shop(), name, what=what) == found


def test_a_filter_narrows_where_it_begins() -> None:
    selection = Selection("project", ("acme",), ("name=web",), connected=True)
    assert {s.name for s in make(world(shop()), selection).steps if s.kind == "server"} == {
        "web",
        "app",
        "db",
    }


def test_without_the_option_nobody_comes() -> None:
    steps = make(world(shop()), Selection("server", ("web",))).steps
    assert {s.name for s in steps if s.kind == "server"} == {"web"}


def test_the_option_makes_another_migration_and_leaves_the_others_as_they_were() -> None:
    plain = Selection("server", ("web",))
    assert plain.fingerprint == "736aa8b1fb05fc73", "ledgers that exist would no longer know their migrations"
    assert plain.fingerprint != Selection("server", ("web",), connected=True).fingerprint
    assert str(Selection("server", ("web",), connected=True)) == "server web --with-connected"


# --- names and other ways to select -----------------------------------------------------------------
def two_domains() -> list[Item]:
    """acme in two domains, with a server of the same name in each."""
    return replaced(
        acme(),
        domain("d2", "Branch"),
        changed(project("acme-2", "acme"), domain_id="d2"),
        replace(server("web-2", "acme-2", "ann"), name="web-1"),
    )


def chosen(what: str, name: str) -> set[str]:
    steps = make(world(two_domains(), new_cloud()), Selection(what, (name,))).steps
    return {s.key for s in steps if s.kind == "server"}


@pytest.mark.parametrize(
    ("what", "name", "found"),
    [
        ("project", "Branch/acme", {"server:web-2"}),
        ("project", "d2/acme", {"server:web-2"}),
        ("project", "Default/acme", {"server:web-1"}),
        ("project", "acme-2", {"server:web-2"}),
        ("server", "Branch/acme/web-1", {"server:web-2"}),
        ("server", "acme-2/web-1", {"server:web-2"}),
        ("domain", "Branch", {"server:web-2"}),
        ("domain", "Default", {"server:web-1"}),
        ("server_group", "apart", {"server:web-1"}),
        ("availability_zone", "nova", {"server:web-1", "server:web-2"}),
    ],
)
def test_what_is_ambiguous_is_named_with_its_owner(what: str, name: str, found: set[str]) -> None:
    assert chosen(what, name) == found
