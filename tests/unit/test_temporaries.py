"""Things made for the duration of a move: recorded before they are made, found again, gone at the end."""

import pytest
from fakes import FakeClock, FreeLocks, RecordingCloud, memory_ledger

from pumphouse.errors import CloudError, Missing, Unreachable
from pumphouse.ledger.sql import SqlLedger
from pumphouse.tasks.temporaries import Temporaries

NAME = "pumphouse-v-image"


@pytest.fixture
def ledger() -> SqlLedger:
    return memory_ledger()


@pytest.fixture
def clouds() -> dict[str, RecordingCloud]:
    return {role: RecordingCloud(role) for role in ("source", "destination")}


@pytest.fixture
def temporaries(clouds: dict[str, RecordingCloud], ledger: SqlLedger) -> Temporaries:
    return Temporaries(clouds, ledger, FreeLocks(), FakeClock(), 60)  # type: ignore[arg-type]


def crash() -> str:
    raise Unreachable("the connection broke")


def never() -> str:
    raise AssertionError("made twice")


def image(cloud: RecordingCloud, identifier: str, status: str = "active") -> None:
    cloud.on("GET", "image", f"/images/{identifier}", {"status": status})


def test_it_is_recorded_before_it_is_made(temporaries: Temporaries, ledger: SqlLedger) -> None:
    def make() -> str:
        (known,) = ledger.temporaries("volume:v")
        assert (known.cloud, known.kind, known.name, known.identifier) == ("source", "image", NAME, None)
        return "id-1"

    assert temporaries.ensure("volume:v", "source", "image", NAME, make) == "id-1"
    assert [t.identifier for t in ledger.temporaries()] == ["id-1"]


@pytest.mark.parametrize(
    ("kind", "service", "listing", "one"),
    [
        ("image", "image", "/images", "images"),
        ("volume", "block-storage", "/volumes/detail", "volumes"),
        ("snapshot", "block-storage", "/snapshots/detail", "snapshots"),
    ],
)
def test_what_a_crash_left_is_found_by_name_and_not_made_twice(
    temporaries: Temporaries,
    ledger: SqlLedger,
    clouds: dict[str, RecordingCloud],
    kind: str,
    service: str,
    listing: str,
    one: str,
) -> None:
    with pytest.raises(Unreachable):
        temporaries.ensure("volume:v", "source", kind, NAME, crash)
    assert [t.identifier for t in ledger.temporaries()] == [None]
    cloud = clouds["source"].on("GET", service, listing, {one: [{"id": "left"}]})
    state = {"status": "available"}
    body = state if kind == "image" else {kind: state}
    cloud.on("GET", service, f"/{kind}s/left", body)
    assert temporaries.ensure("volume:v", "source", kind, NAME, never) == "left"
    assert cloud.calls[0][3]["name"] == NAME
    assert [t.identifier for t in ledger.temporaries()] == ["left"]


def test_an_intent_that_came_to_nothing_is_made(temporaries: Temporaries) -> None:
    with pytest.raises(Unreachable):
        temporaries.ensure("o", "source", "image", NAME, crash)
    assert temporaries.ensure("o", "source", "image", NAME, lambda: "new") == "new"


def test_what_an_earlier_run_made_is_used_again(
    temporaries: Temporaries, clouds: dict[str, RecordingCloud]
) -> None:
    temporaries.ensure("o", "source", "image", NAME, lambda: "id-1")
    image(clouds["source"], "id-1")
    assert temporaries.ensure("o", "source", "image", NAME, never) == "id-1"


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("image", "killed"),
        ("image", "pending_delete"),
        ("image", None),
        ("volume", "error"),
        ("volume", "deleting"),
        ("snapshot", "error_deleting"),
    ],
)
def test_what_is_broken_or_gone_is_made_again(
    temporaries: Temporaries, clouds: dict[str, RecordingCloud], kind: str, status: str | None
) -> None:
    temporaries.ensure("o", "source", kind, NAME, lambda: "id-1")
    if status:
        service = "image" if kind == "image" else "block-storage"
        state = {"status": status}
        clouds["source"].on("GET", service, f"/{kind}s/id-1", state if kind == "image" else {kind: state})
    assert temporaries.ensure("o", "source", kind, NAME, lambda: "id-2") == "id-2"


def test_grants_and_keypairs_may_be_made_again(temporaries: Temporaries) -> None:
    made: list[str] = []
    for _ in range(2):
        temporaries.ensure("", "destination", "grant", "p/u/r", lambda: made.append("x") or "p/u/r")  # type: ignore[func-returns-value]
    assert len(made) == 2


# --- removing -------------------------------------------------------------------------------------
def fill(ledger: SqlLedger, *kinds: str, owner: str = "o", cloud: str = "source") -> None:
    for kind in kinds:
        name = "p/u/r" if kind == "grant" else f"name-{kind}"
        ledger.temporary(owner, cloud, kind, name)
        ledger.temporary_made(cloud, kind, name, name if kind in ("grant", "keypair") else f"id-{kind}")


def test_a_copy_goes_before_what_it_was_made_of(
    temporaries: Temporaries, ledger: SqlLedger, clouds: dict[str, RecordingCloud]
) -> None:
    fill(ledger, "grant", "snapshot", "volume", "image", "keypair")
    temporaries.drop()
    assert [path for _, path in clouds["source"].did("DELETE")] == [
        "/os-keypairs/name-keypair",
        "/images/id-image",
        "/volumes/id-volume",
        "/snapshots/id-snapshot",
        "/projects/p/users/u/roles/r",
    ]
    assert ledger.temporaries() == ()


def test_only_the_owners_are_dropped(temporaries: Temporaries, ledger: SqlLedger) -> None:
    fill(ledger, "image", owner="a")
    fill(ledger, "volume", owner="b")
    temporaries.drop("a")
    assert [t.owner for t in ledger.temporaries()] == ["b"]


def test_only_those_of_one_cloud_are_dropped(temporaries: Temporaries, ledger: SqlLedger) -> None:
    fill(ledger, "image", cloud="source")
    fill(ledger, "image", cloud="destination")
    temporaries.drop("o", "source")
    assert [t.cloud for t in ledger.temporaries()] == ["destination"]


def test_what_is_to_be_kept_stays(temporaries: Temporaries, ledger: SqlLedger) -> None:
    fill(ledger, "image", "snapshot")
    temporaries.drop("o", keep="-snapshot")
    assert [t.kind for t in ledger.temporaries()] == ["snapshot"]


def test_absent_is_success(
    temporaries: Temporaries, ledger: SqlLedger, clouds: dict[str, RecordingCloud]
) -> None:
    fill(ledger, "image", "volume", "snapshot", "grant", "keypair")
    for path, service in (("/images/id-image", "image"), ("/volumes/id-volume", "block-storage")):
        clouds["source"].on("DELETE", service, path, Missing("gone", status=404))
    temporaries.drop()
    assert ledger.temporaries() == ()


def test_an_intent_that_came_to_nothing_is_dropped_without_a_call(
    temporaries: Temporaries, ledger: SqlLedger, clouds: dict[str, RecordingCloud]
) -> None:
    ledger.temporary("o", "source", "image", NAME)
    temporaries.drop()
    assert ledger.temporaries() == ()
    assert clouds["source"].did("DELETE") == []


def test_an_intent_that_came_to_something_is_found_and_dropped(
    temporaries: Temporaries, ledger: SqlLedger, clouds: dict[str, RecordingCloud]
) -> None:
    ledger.temporary("o", "source", "image", NAME)
    clouds["source"].on("GET", "image", "/images", {"images": [{"id": "left"}]})
    temporaries.drop()
    assert clouds["source"].did("DELETE") == [("DELETE", "/images/left")]


@pytest.mark.parametrize("status", [400, 409])
def test_a_busy_volume_is_asked_again(
    temporaries: Temporaries, ledger: SqlLedger, clouds: dict[str, RecordingCloud], status: int
) -> None:
    fill(ledger, "volume")
    busy = CloudError("busy", status=status)
    clouds["source"].on("DELETE", "block-storage", "/volumes/id-volume", busy, busy, None)
    temporaries.drop()
    assert len(clouds["source"].did("DELETE")) == 3
    assert ledger.temporaries() == ()


def test_what_cannot_be_removed_stays_recorded(
    temporaries: Temporaries, ledger: SqlLedger, clouds: dict[str, RecordingCloud]
) -> None:
    fill(ledger, "volume")
    clouds["source"].on("DELETE", "block-storage", "/volumes/id-volume", CloudError("broken", status=500))
    with pytest.raises(CloudError, match="broken"):
        temporaries.drop()
    assert len(ledger.temporaries()) == 1
