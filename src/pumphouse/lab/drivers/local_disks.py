"""Disks of a server that are files of its host: from an image, or empty as its flavor has them."""

import os
import shutil

from nova.virt import driver

from pumphouse.lab.drivers import sparse

try:
    from nova.image.glance import API as ImageApi
except ImportError:  # before Ussuri
    from nova.image.api import API as ImageApi

IMAGES = ImageApi()
GIB = 1 << 30


def fetch_root_disk(context, instance, image_meta, disk):
    known = image_meta is not None and image_meta.obj_attr_is_set("id") and image_meta.id
    partial = disk.with_name("disk.part")
    with sparse.Writer(partial) as writer:
        IMAGES.download(context, known or instance.image_ref, data=writer)
    if sparse.is_qcow2(partial) and shutil.which("qemu-img"):
        sparse.make_raw(partial)
    size = instance.flavor.root_gb * GIB
    if not sparse.is_qcow2(partial) and size > partial.stat().st_size:
        os.truncate(partial, size)
    partial.replace(disk)


def create_other_disks(directory, flavor, block_device_info):
    """As libvirt's driver: those asked for, else what the flavor has."""
    asked = [disk["size"] for disk in driver.block_device_info_get_ephemerals(block_device_info)]
    for number, size in enumerate(asked or [flavor.ephemeral_gb]):
        directory.add_disk(f"disk.eph{number}", size * GIB)
    swap = driver.block_device_info_get_swap(block_device_info)
    size = swap["swap_size"] if driver.swap_is_usable(swap) else flavor.swap
    directory.add_disk("disk.swap", size << 20)
