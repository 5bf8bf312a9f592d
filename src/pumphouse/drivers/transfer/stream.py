"""Glance to Glance through memory: a bounded queue between one download and one upload."""

import hashlib
import queue
import threading
import time
from collections.abc import Iterator
from typing import Protocol

from pumphouse.drivers.transfer.pace import Pace
from pumphouse.errors import CloudError, Interrupted, Unreachable
from pumphouse.ports import About, Clock, Cloud, Copied, Publish

QUEUE = 12  # chunks of 1 MiB between download and upload; with those in hand at most 16 MiB each
PROGRESS = 0.5  # seconds between two progress events
SETTLE = 60  # seconds Glance gets to notice that an upload broke off
REFUSED = (400, 403, 413, 415)
ZEROS = bytes(1 << 20)


class Hash(Protocol):
    """What hashlib's objects can do."""

    def update(self, data: bytes) -> None:
        """Add data."""

    def hexdigest(self) -> str:
        """The hash so far."""


class ContentHash:
    """sha256 of content without the zero bytes at its end.

    A snapshot may leave out the empty end of a disk, and a volume is filled up to its size with zeros:
    the content is the same.
    """

    def __init__(self) -> None:
        self._hash: Hash = hashlib.sha256()
        self._zeros = 0

    def update(self, data: bytes) -> None:
        """Add data; zeros are held back until something else follows."""
        # Comparing whole blocks is many times faster than stripping them byte by byte.
        kept = b"" if data == ZEROS else data.rstrip(b"\0")
        if not kept:
            self._zeros += len(data)
            return
        while self._zeros:
            step = min(self._zeros, len(ZEROS))
            self._hash.update(ZEROS[:step])
            self._zeros -= step
        self._hash.update(kept)
        self._zeros = len(data) - len(kept)

    def hexdigest(self) -> str:
        """The hash of what was added."""
        return self._hash.hexdigest()


class StreamTransfer:
    """See :class:`pumphouse.ports.Transfer`.

    :param slots: transfers at once.
    :param bandwidth: cap of all together, in MiB/s.
    :param attempts: tries of an upload, and of a download without progress, before it fails.
    """

    def __init__(
        self,
        source: Cloud,
        destination: Cloud,
        clock: Clock,
        publish: Publish,
        *,
        slots: int,
        bandwidth: float | None,
        attempts: int,
    ) -> None:
        self._source = source
        self._destination = destination
        self._clock = clock
        self._publish = publish
        self._slots = threading.BoundedSemaphore(slots)
        self._pace = Pace(bandwidth * (1 << 20) if bandwidth else None)
        self._attempts = attempts

    def copy(self, image: str, to: str, size: int, about: About) -> Copied:
        """See the port.

        :raises CloudError: when every attempt failed, or what arrived is not what was sent.
        """
        with self._slots:
            for attempt in range(1, self._attempts + 1):
                stream = _Stream(self, self._source, image, size, about)
                try:
                    self._destination.upload(f"/images/{to}/file", stream.chunks(), size)
                    return stream.copied()
                except Interrupted:
                    raise
                except CloudError as error:
                    download_broke = stream.error is not None
                    stream.abandon()
                    # Glance looks into what it is given (415: not the format it is said to be): the same data
                    # would be refused again.
                    if download_broke or attempt == self._attempts or error.status in REFUSED:
                        raise
                    self._wait_for_upload_again(to)
        raise AssertionError("unreachable")

    def read(self, cloud: Cloud, image: str, size: int, about: About) -> Copied:
        """See the port."""
        with self._slots:
            stream = _Stream(self, cloud, image, size, about)
            for _ in stream.chunks():
                pass
            return stream.copied()

    def _wait_for_upload_again(self, image: str) -> None:
        """A broken upload leaves the image saving for a moment, then queued again."""

        def poll() -> bool | None:
            status = self._destination.get("image", f"/images/{image}")["status"]
            if status == "queued":
                return True
            if status == "saving":
                return None
            raise CloudError(f"destination image {image}: a broken upload left it in status {status}")

        self._clock.wait(f"destination image {image} to take data again", SETTLE, poll)

    # --- used by the streams --------------------------------------------------------------------
    def fetch(self, cloud: Cloud, image: str, size: int) -> Iterator[bytes]:
        """Download to the end, going on at the same byte after a break."""
        done = faults = 0
        while True:
            try:
                with cloud.download(f"/images/{image}/file", done) as chunks:
                    for chunk in chunks:
                        self._clock.check()
                        self._pace.spend(len(chunk), self._clock.sleep)
                        done += len(chunk)
                        faults = 0
                        yield chunk
                if done == size:
                    return
                error = CloudError(f"{cloud.role} image {image}: ended after {done} of {size} bytes")
                if done > size:
                    raise error
            except Unreachable as fault:
                error = fault
            faults += 1
            if faults >= self._attempts:
                raise error
            self._clock.sleep(0.5 * 2**faults)

    def progress(self, about: About, done: int, total: int, rate: float) -> None:
        """Tell how far it is."""
        self._publish(
            "progress", about.key, workload=about.workload, done=done, total=total, rate=round(rate)
        )


class _Stream:
    """One download, read ahead and hashed by a thread of its own."""

    def __init__(self, transfer: StreamTransfer, cloud: Cloud, image: str, size: int, about: About) -> None:
        self.error: Exception | None = None
        self._transfer = transfer
        self._source = (cloud, image, size)
        self._size = size
        self._about = about
        self._hash = ContentHash()
        self._queue: queue.Queue[bytes | None] = queue.Queue(QUEUE)
        self._abandoned = threading.Event()
        self._started = time.monotonic()
        self._thread = threading.Thread(target=self._read, name=f"read-{image}", daemon=True)

    def chunks(self) -> Iterator[bytes]:
        """The data; raises what broke the download."""
        self._thread.start()
        done, told = 0, 0.0
        while (chunk := self._queue.get()) is not None:
            yield chunk
            done += len(chunk)
            now = time.monotonic()
            if now - told >= PROGRESS or done == self._size:
                told = now
                self._transfer.progress(self._about, done, self._size, done / max(now - self._started, 1e-3))
        self._thread.join()
        if self.error:
            raise self.error

    def copied(self) -> Copied:
        """Size, hash and time, after the end."""
        return Copied(self._size, self._hash.hexdigest(), time.monotonic() - self._started)

    def abandon(self) -> None:
        """Let the reading thread end early."""
        self._abandoned.set()
        while self._thread.is_alive():
            try:
                self._queue.get(timeout=0.05)
            except queue.Empty:
                continue

    def _read(self) -> None:
        try:
            for chunk in self._transfer.fetch(*self._source):
                self._hash.update(chunk)
                self._put(chunk)
        except Exception as error:  # crosses to the thread that consumes
            self.error = error
        finally:
            self._put(None)

    def _put(self, chunk: bytes | None) -> None:
        while not self._abandoned.is_set():
            try:
                self._queue.put(chunk, timeout=0.2)
                return
            except queue.Full:
                continue
        if chunk is not None:
            raise CloudError("the upload broke off")
