"""What Ironic wants of genisoimage, for machines without it: a directory as an ISO 9660 image with Joliet names.

Runs in Ironic's environment as ``genisoimage -o IMAGE ... -V LABEL DIRECTORY``.
"""

import pathlib
import sys

import pycdlib

BLOCK = 8  # characters of a name in plain ISO 9660


def add(iso, place, plain, joliet):
    """All that is below a directory; plain names are numbers, for nobody reads them."""
    for number, each in enumerate(sorted(place.iterdir())):
        name = f"{joliet}/{each.name}"
        if each.is_dir():
            below = f"{plain}/D{number:0{BLOCK - 1}}"
            iso.add_directory(below, joliet_path=name)
            add(iso, each, below, name)
        else:
            iso.add_file(str(each), f"{plain}/F{number:0{BLOCK - 1}}.;1", joliet_path=name)


def main(words):
    iso = pycdlib.PyCdlib()
    iso.new(joliet=3, vol_ident=words[words.index("-V") + 1])
    add(iso, pathlib.Path(words[-1]), "", "")
    iso.write(words[words.index("-o") + 1])
    iso.close()


if __name__ == "__main__":
    main(sys.argv[1:])
