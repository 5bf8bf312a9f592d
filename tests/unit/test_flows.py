"""A plan becomes flows: nothing is unmet, servers go with their volumes. Nothing outside is touched."""

from typing import Any

import pytest
from taskflow import engines
from worlds import ACME, acme, bare_step, changed, image, plan, replaced, server, there, volume, world

from pumphouse.flows import prepare as flow
from pumphouse.flows.workload import cut_over, workloads
from pumphouse.kinds import KINDS
from pumphouse.model import Action, Plan, Step
from pumphouse.plan import World
from pumphouse.tasks.atoms import Begin
from pumphouse.tasks.run import Run

BY_KEY = {i.key: i for i in acme()}


def run(of: World | None = None, steps: tuple[Step, ...] | None = None) -> Run:
    """A run without anything outside: building a flow needs none of it."""
    of = of or world()
    made = plan(of) if steps is None else Plan(ACME, "old", "new", steps)
    return Run(None, of.policy, made, of.source, None, None, {}, None)  # type: ignore[arg-type]


def test_every_atom_has_what_it_requires() -> None:
    (found,) = flow.prepare(run(), flow.prepare_steps(run()))
    given = {name for atom, _ in found.iter_nodes() for name in atom.provides}
    for atom, _ in found.iter_nodes():
        assert set(atom.requires) <= given
    engine = engines.load(found, engine="serial")
    engine.compile()
    engine.prepare()
    engine.validate()


def test_what_is_created_is_prepared_and_what_moves_is_not() -> None:
    names = {s.key for s in flow.prepare_steps(run())}
    assert names == {s.key for s in plan().steps if s.action is Action.CREATE}
    assert not {n for n in names if KINDS[n.partition(":")[0]].moves}


def test_an_atom_waits_for_what_it_needs_and_is_made() -> None:
    (found,) = flow.prepare(run(), flow.prepare_steps(run()))
    atoms = {atom.name: atom for atom, _ in found.iter_nodes()}
    assert set(atoms["subnet:lan-subnet"].requires) == {"network:lan", "project:acme"}
    assert "network:public" not in atoms["floating_ip:float"].requires  # is there before


def test_skipped_reused_and_blocked_steps_are_not_in_the_flow() -> None:
    steps = tuple(bare_step(f"image:{a}", a) for a in Action)
    assert [s.key for s in flow.prepare_steps(run(steps=steps))] == [
        "image:create",
        "image:update",
        "image:remove",
    ]


def test_nothing_to_prepare_is_no_flow() -> None:
    assert list(flow.prepare(run(steps=()), [])) == []


def test_many_steps_become_several_flows_in_the_order_of_the_plan() -> None:
    count = flow.BATCH + 3
    steps = [bare_step(f"image:{n}", needs=(f"image:{n - 1}",) if n else ()) for n in range(count)]
    first, second = flow.prepare(run(), steps)
    assert len(list(first.iter_nodes())) == flow.BATCH
    assert [atom.name for atom, _ in second.iter_nodes()] == [s.key for s in steps[flow.BATCH :]]
    assert all(set(a.requires) <= {s.key for s in steps[flow.BATCH :]} for a, _ in second.iter_nodes())
    assert first.name != second.name


# --- workloads ------------------------------------------------------------------------------------
def grouped(of: World | None = None) -> dict[str, list[str]]:
    return {" ".join(s.key for s in w.steps): [v.key for v in w.volumes] for w in workloads(run(of))}


def test_a_server_goes_with_its_volumes_and_detached_volumes_go_alone() -> None:
    assert grouped() == {"volume:spare": [], "server:web-1": ["volume:data"]}


def test_every_moving_step_is_in_one_workload() -> None:
    more = [server("web-2", "acme", "ann", volumes=["d2", "d3"])]
    more += [volume(v, "acme", "ann", server_="web-2") for v in ("d2", "d3")]
    of = world(replaced(acme(), *more))
    found = grouped(of)
    assert sorted(found["server:web-2"]) == ["volume:d2", "volume:d3"]
    members = [k for step, volumes in found.items() for k in (step, *volumes)]
    assert sorted(members) == sorted(s.key for s in plan(of).steps if s.action is Action.MOVE)


def test_a_volume_that_is_there_already_is_not_moved_again() -> None:
    from worlds import new_cloud, row

    moved = there(BY_KEY["volume:data"])
    found = world(None, replaced(new_cloud(), moved), row("volume:data", "done", moved.id))
    assert grouped(found) == {"volume:spare": [], "server:web-1": []}


def shared(size: int) -> World:
    """web-1 and others that all have its volume, the last one over a volume of the one before it."""
    disks = [["data"], ["data", "log"], ["log"]][:size]
    servers = [server(f"web-{n}", "acme", "ann", volumes=v) for n, v in enumerate(disks, 1)]
    return world(replaced(acme(), *servers, volume("log", "acme", "ann", server_="web-2")))


def test_servers_that_share_volumes_go_together_and_each_volume_once() -> None:
    found = {key: sorted(volumes) for key, volumes in grouped(shared(3)).items()}
    assert found == {
        "volume:spare": [],
        "server:web-1 server:web-2 server:web-3": ["volume:data", "volume:log"],
    }


def test_servers_that_share_volumes_are_all_stopped_before_and_closed_in_one() -> None:
    of = run(shared(2))
    names = atoms(cut_over(of, workloads(of)[1]))
    assert names[0] == "stop server:web-1"
    assert [n for n in names if n.endswith("volume:data")] == ["move volume:data", "prove volume:data"]
    assert [n for n in names if n.startswith(("create", "settle"))] == [
        *("create server:web-1", "create server:web-2", "settle server:web-1", "settle server:web-2"),
    ]
    assert [n for n in names if n.startswith("close")] == ["close server:web-1"] == names[-1:]


def atoms(of: Any) -> list[str]:
    return [name for node in of for name in (atoms(node) if hasattr(node, "iter_nodes") else [node.name])]


def test_a_cutover_begins_with_the_stop_that_undoes_it_all() -> None:
    found = {w.steps[0].key: cut_over(run(), w) for w in workloads(run())}
    server_flow = list(found["server:web-1"])
    assert isinstance(server_flow[0], Begin)
    names = atoms(server_flow)
    assert names[0] == "stop server:web-1"
    assert set(names[1:3]) == {"root server:web-1", "move volume:data"}
    assert names[3:5] == ["create server:web-1", "settle server:web-1"]
    assert names[5:7] == ["health server:web-1", "after start server:web-1"]
    assert set(names[7:9]) == {"prove root server:web-1", "prove volume:data"}
    assert names[9:] == ["close server:web-1"]
    assert atoms(found["volume:spare"]) == ["move volume:spare", "prove volume:spare", "close volume:spare"]
    assert isinstance(next(iter(found["volume:spare"])), Begin)


@pytest.mark.parametrize("index", [0, 1])
def test_flows_of_workloads_are_valid(index: int) -> None:
    engine = engines.load(cut_over(run(), workloads(run())[index]), engine="serial")
    engine.compile()
    engine.prepare()
    engine.validate()


def test_what_speaks_of_something_that_moves_is_made_after_it() -> None:
    steps = (
        bare_step("server:s", Action.MOVE),
        bare_step("image:snapshot", after=("server:s",)),
        bare_step("image_member:m", needs=("image:snapshot",)),
        bare_step("image:other"),
    )
    made = run(steps=steps)
    assert [s.key for s in flow.prepare_steps(made)] == ["image:other"]
    assert [s.key for s in flow.late_steps(made)] == ["image:snapshot", "image_member:m"]


def test_a_large_plan_is_built_quickly() -> None:
    source = replaced(acme(), *(image(f"i{n}", "acme") for n in range(300)))
    made = run(world(source))
    (found,) = flow.prepare(made, flow.prepare_steps(made))
    assert len(list(found.iter_nodes())) > 300
    assert changed(BY_KEY["image:cirros"]) == BY_KEY["image:cirros"]
