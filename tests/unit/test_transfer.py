"""Image data from cloud to cloud: whole, hashed, resumed where it broke, and never too much of it in memory."""

import hashlib
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from fakes import Events, FakeClock
from hypothesis import given, settings
from hypothesis import strategies as st

from pumphouse.drivers.transfer.pace import Pace
from pumphouse.drivers.transfer.stream import QUEUE, ContentHash, StreamTransfer
from pumphouse.errors import CloudError, Interrupted, Unreachable
from pumphouse.ports import About

ABOUT = About("volume:v", "server:s")
DATA = bytes(range(256)) * 40
CHUNK = 1000


class Store:
    """An image service; what goes wrong is told to it.

    :param breaks: offsets at which a download breaks off, one after the other.
    """

    def __init__(self, data: bytes = b"", breaks: Iterable[int] = (), role: str = "source") -> None:
        self.role = role
        self.data = data
        self.breaks = list(breaks)
        self.starts: list[int] = []
        self.uploads: list[bytes] = []
        self.sizes: list[int] = []
        self.refuse: list[Any] = []  # before an upload, or after as many bytes
        self.statuses = ["queued"]
        self.given = 0

    @contextmanager
    def download(self, path: str, start: int = 0) -> Iterator[Iterator[bytes]]:
        self.starts.append(start)
        yield self._chunks(start)

    def _chunks(self, start: int) -> Iterator[bytes]:
        stop = self.breaks.pop(0) if self.breaks else None
        for offset in range(start, len(self.data), CHUNK):
            if stop is not None and offset >= stop:
                raise Unreachable("the connection broke")
            self.given += 1
            yield self.data[offset : offset + CHUNK]

    def upload(self, path: str, chunks: Iterable[bytes], size: int) -> None:
        self.sizes.append(size)
        limit = self.refuse.pop(0) if self.refuse else None
        got = b""
        for chunk in chunks:
            if limit is not None and len(got) >= limit:
                self.uploads.append(got)
                raise Unreachable("the upload broke")
            got += chunk
        self.uploads.append(got)

    def get(self, service: str, path: str, **query: Any) -> Any:
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        return {"status": status}


def transfer(source: Store, destination: Store, **options: Any) -> StreamTransfer:
    clock = options.pop("clock", FakeClock())
    publish = options.pop("publish", Events())
    values = {"slots": 2, "bandwidth": None, "attempts": 3, **options}
    return StreamTransfer(source, destination, clock, publish, **values)  # type: ignore[arg-type]


def copy(source: Store, destination: Store, size: int | None = None, **options: Any) -> Any:
    wanted = len(source.data) if size is None else size
    return transfer(source, destination, **options).copy("i", "j", wanted, ABOUT)


# --- the hash -------------------------------------------------------------------------------------
def content(data: bytes) -> str:
    return hashlib.sha256(data.rstrip(b"\0")).hexdigest()


pieces = st.lists(st.binary(max_size=8) | st.integers(0, 40).map(bytes), max_size=12)


@settings(max_examples=150, deadline=None)
@given(pieces)
def test_the_hash_is_of_the_content_without_zeros_at_its_end_whatever_the_chunks(chunks: list[bytes]) -> None:
    found = ContentHash()
    for chunk in chunks:
        found.update(chunk)
    assert found.hexdigest() == content(b"".join(chunks))


MIB = 1 << 20


@pytest.mark.parametrize(
    "chunks",
    [
        [bytes(MIB), bytes(MIB), b"\1", bytes(MIB)],
        [bytes(2 * MIB + 1), b"\1"],
        [b"\1" + bytes(3 * MIB), bytes(5), b"\2\0"],
        [bytes(MIB + 1)],
        [],
        [b""],
    ],
)
def test_long_runs_of_zeros_are_hashed_too(chunks: list[bytes]) -> None:
    found = ContentHash()
    for chunk in chunks:
        found.update(chunk)
    assert found.hexdigest() == content(b"".join(chunks))


# --- copies ---------------------------------------------------------------------------------------
def test_what_arrives_is_what_was_sent() -> None:
    source, destination = Store(DATA), Store()
    copied = copy(source, destination)
    assert destination.uploads == [DATA]
    assert destination.sizes == [len(DATA)]
    assert (copied.size, copied.content) == (len(DATA), content(DATA))
    assert source.starts == [0]


def test_an_empty_image_is_copied() -> None:
    destination = Store()
    assert copy(Store(b""), destination).content == content(b"")
    assert destination.uploads == [b""]


def test_a_broken_download_goes_on_at_the_same_byte() -> None:
    source, destination = Store(DATA, [3000, 3000, 7000]), Store()
    clock = FakeClock()
    assert copy(source, destination, clock=clock).content == content(DATA)
    assert destination.uploads == [DATA]
    assert source.starts == [0, 3000, 3000, 7000]
    assert all(seconds > 0 for seconds in clock.slept)


def test_a_download_that_ends_early_goes_on_where_it_ended() -> None:
    class Short(Store):
        def _chunks(self, start: int) -> Iterator[bytes]:
            yield self.data[start : start + 4000]

    source, destination = Short(DATA), Store()
    copy(source, destination)
    assert destination.uploads == [DATA]
    assert source.starts == [0, 4000, 8000]


def test_a_download_without_progress_is_given_up() -> None:
    source = Store(DATA, [2000] * 9)
    with pytest.raises(Unreachable, match="the connection broke"):
        copy(source, Store(), attempts=4)
    assert source.starts == [0, 2000, 2000, 2000]


def test_progress_gives_new_tries() -> None:
    source = Store(DATA, range(CHUNK, len(DATA), CHUNK))
    destination = Store()
    copy(source, destination, attempts=2)
    assert destination.uploads == [DATA]


def test_a_broken_download_does_not_start_the_upload_again() -> None:
    destination = Store()
    with pytest.raises(Unreachable):
        copy(Store(DATA, [0] * 9), destination)
    assert len(destination.sizes) == 1


@pytest.mark.parametrize(
    ("size", "words"), [(len(DATA) + 1, "ended after 10240 of 10241"), (100, "of 100 bytes")]
)
def test_an_image_of_another_size_is_an_error(size: int, words: str) -> None:
    with pytest.raises(CloudError, match=words):
        copy(Store(DATA), Store(), size)


def test_a_broken_upload_starts_again_from_the_first_byte_when_glance_is_ready() -> None:
    source, destination = Store(DATA), Store(role="destination")
    destination.refuse = [5000]
    destination.statuses = ["saving", "saving", "queued"]
    copied = copy(source, destination)
    assert destination.uploads[-1] == DATA
    assert len(destination.uploads) == 2
    assert source.starts == [0, 0]
    assert copied.content == content(DATA)


def test_an_upload_that_is_refused_at_once_starts_again() -> None:
    destination = Store()
    destination.refuse = [0]
    copy(Store(DATA), destination)
    assert destination.uploads == [b"", DATA]


def test_uploads_are_tried_a_bounded_number_of_times() -> None:
    destination = Store()
    destination.refuse = [3000] * 9
    with pytest.raises(Unreachable, match="the upload broke"):
        copy(Store(DATA), destination, attempts=3)
    assert len(destination.uploads) == 3


@pytest.mark.parametrize("status", ["killed", "active", "deleted"])
def test_an_image_that_takes_no_data_again_is_an_error(status: str) -> None:
    destination = Store()
    destination.refuse, destination.statuses = [3000], [status]
    with pytest.raises(CloudError, match=f"left it in status {status}"):
        copy(Store(DATA), destination)


def test_an_image_that_stays_saving_is_given_up() -> None:
    destination = Store()
    destination.refuse, destination.statuses = [3000], ["saving"]
    with pytest.raises(CloudError, match="to take data again"):
        copy(Store(DATA), destination)


def readers() -> list[threading.Thread]:
    return [t for t in threading.enumerate() if t.name.startswith("read-") and t.is_alive()]


def test_no_thread_is_left_after_a_failure() -> None:
    destination = Store()
    destination.refuse = [3000] * 3
    with pytest.raises(Unreachable):
        copy(Store(bytes(CHUNK * QUEUE * 9)), destination)
    assert readers() == []


def test_reading_gives_the_same_hash_and_uploads_nothing() -> None:
    source, destination = Store(), Store(DATA + bytes(5000), [6000], "destination")
    found = transfer(source, destination).read(destination, "i", len(destination.data), ABOUT)  # type: ignore[arg-type]
    assert found.content == content(DATA)
    assert destination.starts == [0, 6000]
    assert source.starts == []


# --- memory ---------------------------------------------------------------------------------------
def test_what_is_read_ahead_is_bounded() -> None:
    ahead: list[int] = []

    class Slow(Store):
        def upload(self, path: str, chunks: Iterable[bytes], size: int) -> None:
            for number, _ in enumerate(chunks):
                if number in (0, 20):
                    time.sleep(0.03)
                ahead.append(source.given - number)

    source = Store(bytes(CHUNK * 60))
    copy(source, Slow())
    assert max(ahead) <= QUEUE + 3


# --- stopping -------------------------------------------------------------------------------------
def test_a_stop_ends_a_copy_at_once_and_it_is_not_tried_again() -> None:
    clock = FakeClock()

    class Stopping(Store):
        def upload(self, path: str, chunks: Iterable[bytes], size: int) -> None:
            self.sizes.append(size)
            for number, _ in enumerate(chunks):
                clock.stopped = clock.stopped or number == 2
                self.given = number

    destination = Stopping()
    with pytest.raises(Interrupted):
        copy(Store(bytes(CHUNK * 5000)), destination, clock=clock)
    assert destination.given <= QUEUE + 5
    assert len(destination.sizes) == 1
    assert readers() == []


def test_a_stop_before_the_start_ends_it() -> None:
    clock = FakeClock()
    clock.stopped = True
    destination = Store()
    with pytest.raises(Interrupted):
        copy(Store(DATA), destination, clock=clock)
    assert destination.uploads == []


# --- pace -----------------------------------------------------------------------------------------
def test_without_a_cap_nothing_waits() -> None:
    pace, slept = Pace(None), []
    for _ in range(100):
        pace.spend(1 << 30, slept.append)
    assert slept == []


def test_a_cap_is_shared_by_all() -> None:
    pace = Pace(1000)
    slept: list[float] = []
    spenders = [threading.Thread(target=pace.spend, args=(500, slept.append)) for _ in range(5)]
    for spender in spenders:
        spender.start()
    for spender in spenders:
        spender.join()
    assert sorted(slept) == pytest.approx([0.5, 1.0, 1.5, 2.0], abs=0.1)


def test_time_not_used_is_not_saved_up() -> None:
    pace = Pace(1000)
    slept: list[float] = []
    time.sleep(0.05)
    pace.spend(100, slept.append)
    pace.spend(100, slept.append)
    assert slept == pytest.approx([0.1], abs=0.02)


def test_a_copy_keeps_to_the_cap() -> None:
    clock = FakeClock()
    copy(Store(bytes(CHUNK * 11)), Store(), clock=clock, bandwidth=CHUNK / MIB)
    assert len(clock.slept) == 10
    assert clock.slept[-1] == pytest.approx(10, abs=0.5)


# --- slots ----------------------------------------------------------------------------------------
def test_no_more_transfers_than_slots_run_at_once() -> None:
    running: list[int] = []
    most: list[int] = []

    class Counting(Store):
        def upload(self, path: str, chunks: Iterable[bytes], size: int) -> None:
            running.append(1)
            most.append(len(running))
            time.sleep(0.01)
            list(chunks)
            running.pop()

    moving = transfer(Store(DATA), Counting(), slots=2)
    threads = [threading.Thread(target=moving.copy, args=("i", "j", len(DATA), ABOUT)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(most) == 6
    assert max(most) == 2


def test_a_failed_transfer_gives_its_slot_back() -> None:
    destination = Store()
    moving = transfer(Store(DATA, [0] * 3), destination, slots=1)
    with pytest.raises(Unreachable):
        moving.copy("i", "j", len(DATA), ABOUT)
    moving.copy("i", "j", len(DATA), ABOUT)
    assert destination.uploads == [DATA]


# --- progress -------------------------------------------------------------------------------------
def test_progress_is_told_seldom_and_at_the_end() -> None:
    events = Events()
    copy(Store(bytes(CHUNK * 300)), Store(), publish=events)
    told = events.of("progress")
    assert len(told) <= 3
    key, data = told[-1]
    assert (key, data["workload"]) == ("volume:v", "server:s")
    assert (data["done"], data["total"]) == (CHUNK * 300, CHUNK * 300)
    assert data["rate"] > 0
