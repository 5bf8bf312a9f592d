"""One of everything is moved; all of it arrives equal, told through plain openstacksdk."""

import pytest
from clouds import inventory, traces
from museum import PROJECT, WINGS, configure, open_hall


@pytest.fixture(scope="session")
def hall(lab):
    """The museum, built in the source."""
    made = open_hall(lab)
    for wing in WINGS.values():
        wing.build(made)
    configure(lab)
    return made


@pytest.fixture(scope="session")
def originals(hall):
    """What the exhibits were like at the source before anything moved."""
    return {name: wing.portrait(hall, "source") for name, wing in WINGS.items()}


@pytest.fixture(scope="session")
def moved(lab, hall, originals):
    """The museum after its move."""
    config = ("--config", str(lab.home / "museum.yaml"))
    lab.run("migrate", "project", PROJECT, "--yes", *config)
    return {name: wing.portrait(hall, "destination") for name, wing in WINGS.items()}


@pytest.mark.parametrize("wing", WINGS)
def test_every_exhibit_arrives_equal(originals, moved, wing):
    assert originals[wing]
    assert moved[wing] == originals[wing]


@pytest.mark.parametrize("side", ["source", "destination"])
def test_nothing_temporary_is_left_of_the_move(lab, moved, side):
    assert traces(inventory(lab.connect(side))) == []
