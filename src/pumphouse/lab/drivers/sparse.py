"""Disk files: create, copy, write and read sparse ones without filling their holes; know qcow2."""

import errno
import os
import subprocess

BLOCK = 1 << 20
QCOW2 = b"QFI\xfb"


def is_qcow2(path):
    with open(path, "rb") as file:
        return file.read(len(QCOW2)) == QCOW2


def make_raw(path):
    """Convert a qcow2 file in place; raises FileNotFoundError where there is no qemu-img."""
    raw = f"{path}.raw"
    subprocess.run(["qemu-img", "convert", "-f", "qcow2", "-O", "raw", str(path), raw], check=True)
    os.replace(raw, path)


def extents(path):
    """Start and end of each stretch of data."""
    found, position, size = [], 0, os.path.getsize(path)
    descriptor = os.open(path, os.O_RDONLY)
    try:
        while position < size:
            start = os.lseek(descriptor, position, os.SEEK_DATA)
            position = os.lseek(descriptor, start, os.SEEK_HOLE)
            found.append((start, position))
    except OSError as error:
        if error.errno != errno.ENXIO:  # it means: nothing but a hole up to the end
            raise
    finally:
        os.close(descriptor)
    return found


def create(path, size):
    with open(path, "wb") as file:
        file.truncate(size)


def copy(source, destination, size=0):
    """Copy the data only; the copy is ``size`` long when that is more than the source has."""
    with open(source, "rb") as reader, open(destination, "wb") as writer:
        for start, end in extents(source):
            reader.seek(start)
            writer.seek(start)
            while start < end:
                data = reader.read(min(BLOCK, end - start))
                writer.write(data)
                start += len(data)
        writer.truncate(max(os.path.getsize(source), size))


class Writer:
    """A file to write a stream into; what is all zeros becomes a hole."""

    def __init__(self, path):
        self._file = open(path, "wb")  # noqa: SIM115  (closed by its own with statement)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._file.truncate(self._file.tell())
        self._file.close()

    def write(self, data):
        if data.strip(b"\0"):
            self._file.write(data)
        else:
            self._file.seek(len(data), os.SEEK_CUR)
        return len(data)

    def tell(self):
        return self._file.tell()

    def flush(self):
        self._file.flush()


class TrimmedReader:
    """A file as a stream that ends after its last data, rounded up to a MiB.

    A volume of 2 GiB that holds 20 MiB is uploaded in one second instead of a minute;
    who makes a volume or server of the image gets its full size back from min_disk or the flavor.
    """

    def __init__(self, path):
        self._file = open(path, "rb")  # noqa: SIM115  (closed by its own with statement)
        end = max((end for _, end in extents(path)), default=1)
        self.size = min(os.path.getsize(path), -(-end // BLOCK) * BLOCK)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def __iter__(self):
        return iter(lambda: self.read(BLOCK), b"")

    def read(self, count=-1):
        left = max(self.size - self._file.tell(), 0)
        return self._file.read(left if count is None or count < 0 else min(count, left))

    def seek(self, offset, whence=os.SEEK_SET):
        if whence == os.SEEK_END:
            offset, whence = self.size + offset, os.SEEK_SET
        return self._file.seek(offset, whence)

    def tell(self):
        return self._file.tell()

    def close(self):
        self._file.close()
