"""What can move together: projects, applications, servers, each as a selection that finds just that."""

from dataclasses import replace

from worlds import acme, network, port, project, replaced, row, server

from pumphouse.inventory import Inventory
from pumphouse.model import Item, PlacedServer, Portion, Resources, Row
from pumphouse.plan.portions import portions
from pumphouse.plan.select import select
from pumphouse.policy import Policy


def wired(name: str, net: str, owner: str = "acme", *, called: str = "", pinned: bool = False) -> list[Item]:
    """A server with a port on this network."""
    made = server(name, owner, "ann", ports=[f"{name}-{net}"], observed={"zone_pinned": pinned})
    item = Item("server", name, called or name, owner, {**made.fields, "name": called or name}, made.observed)
    return [item, port(f"{name}-{net}", net, owner, server_=name)]


SOURCE = Inventory(
    "source",
    replaced(
        acme(),
        *(network(name, "acme") for name in ("front", "back")),
        network("far", "other"),
        project("other"),
        *wired("web", "front"),
        *wired("app", "front", pinned=True),
        *wired("lone", "back"),
        *wired("s-5", "far", "other", called="lone"),
    ),
)
NAMES = ("web", "app", "lone", "s-5")


def made(
    *rows: Row, policy: Policy | None = None, source: Inventory = SOURCE
) -> tuple[tuple[Portion, ...], ...]:
    servers = [
        PlacedServer(
            *(item.id, item.name, str(item.project_id), "h1", "ACTIVE", Resources(1, 512)),
            zone="nova",
            group="g" if item.id == "web" else "",
        )
        for item in source.of("server")
        if item.id in NAMES
    ]
    return portions(source, servers, {row.key: row for row in rows}, policy or Policy())


def test_by_project_by_application_and_one_by_one() -> None:
    projects, applications, single = made()
    assert [str(portion.selection) for portion in projects] == ["project acme", "project other"]
    assert {frozenset(server.id for server in portion.servers) for portion in applications} == {
        *map(frozenset, (["web", "app"], ["lone"], ["s-5"]))
    }
    assert [portion.servers[0].id for portion in single] == [*NAMES]


def test_a_selection_finds_what_is_in_the_portion() -> None:
    for portion in (portion for each in made() for portion in each):
        found = {item.id for item in select(SOURCE, portion.selection).items if item.kind == "server"}
        assert {each.id for each in portion.servers} == found & set(NAMES)
    assert "s-5" in {name for portion in made()[2] for name in portion.selection.names}  # two are called lone


def test_zone_project_and_group_are_those_of_the_destination() -> None:
    policy = Policy(overrides=[{"server": "lone", "availability_zones": {"nova": "west"}}])
    rows = (row("server_group:g", "done", "g2"), row("project:acme", "reused", "acme2", "reused"))
    found = {server.id: server for portion in made(*rows, policy=policy)[2] for server in portion.servers}
    assert {name: server.zone for name, server in found.items()} == {
        **{"web": "", "app": "nova"},
        **{"lone": "west", "s-5": "west"},
    }
    assert (found["web"].group, found["web"].project, found["s-5"].project) == ("g2", "acme2", "other")
    assert found["web"].host == "h1"


def test_servers_that_share_a_volume_are_never_parted() -> None:
    data = {"volume_id": "data", "boot_index": None, "delete_on_termination": False, "tag": None}
    shared = [
        replace(item, fields={**item.fields, "volumes": [data]}) if item.id in ("web", "lone") else item
        for item in SOURCE
    ]
    *_, single = made(source=Inventory("source", shared))
    assert [[server.id for server in portion.servers] for portion in single] == [
        ["web", "lone"],
        ["app"],
        ["s-5"],
    ]
