"""Cinder's volume driver: one sparse raw file per volume or snapshot, in a directory per backend."""

import contextlib
import os
import pathlib
import shutil

from cinder import exception, interface
from cinder.volume import configuration, driver, volume_utils
from oslo_config import cfg

from pumphouse.lab.drivers import sparse

GIB = 1 << 30
CAPACITY_GIB = 1000
OPTIONS = [cfg.StrOpt("lab_volumes_directory", help="Where this backend keeps its files.")]
cfg.CONF.register_opts(OPTIONS, group=configuration.SHARED_CONF_GROUP)


@interface.volumedriver
class FileDriver(driver.VolumeDriver):
    """Files named as Cinder names volumes and snapshots, so both clouds can manage each other's."""

    VERSION = "1"
    CI_WIKI_NAME = "none"

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.configuration.append_config_values(OPTIONS)
        self.directory = pathlib.Path(self.configuration.lab_volumes_directory)

    @staticmethod
    def get_driver_options():
        return OPTIONS

    def do_setup(self, context):
        self.directory.mkdir(parents=True, exist_ok=True)

    def check_for_setup_error(self):
        pass

    def secure_file_operations_enabled(self):
        return True  # no root

    def _path(self, volume_or_snapshot):
        return self.directory / volume_or_snapshot.name

    # Volumes and snapshots

    def create_volume(self, volume):
        sparse.create(self._path(volume), volume.size * GIB)

    def delete_volume(self, volume):
        _delete(self._path(volume))

    def extend_volume(self, volume, new_size):
        os.truncate(self._path(volume), new_size * GIB)

    def create_snapshot(self, snapshot):
        sparse.copy(self._path(snapshot.volume), self._path(snapshot))

    def delete_snapshot(self, snapshot):
        _delete(self._path(snapshot))

    def create_volume_from_snapshot(self, volume, snapshot):
        sparse.copy(self._path(snapshot), self._path(volume), volume.size * GIB)

    def create_cloned_volume(self, volume, src_vref):
        sparse.copy(self._path(src_vref), self._path(volume), volume.size * GIB)

    def revert_to_snapshot(self, context, volume, snapshot):
        sparse.copy(self._path(snapshot), self._path(volume), volume.size * GIB)

    # Images

    def clone_image(self, context, volume, image_location, image_meta, image_service):
        # asked first when a volume is made of an image: doing it all here needs no qemu-img for raw ones
        self.copy_image_to_volume(context, volume, image_service, image_meta["id"])
        return {}, True

    def copy_image_to_volume(self, context, volume, image_service, image_id, disable_sparse=False):
        path, size = self._path(volume), volume.size * GIB
        with sparse.Writer(path) as writer:
            image_service.download(context, image_id, writer)
        if sparse.is_qcow2(path):
            if not shutil.which("qemu-img"):
                reason = "qcow2 needs qemu-img on this machine"
                raise exception.ImageUnacceptable(image_id=image_id, reason=reason)
            sparse.make_raw(path)
        if path.stat().st_size > size:
            raise exception.ImageTooBig(image_id=image_id, reason="it is larger than the volume")
        os.truncate(path, size)

    def copy_volume_to_image(self, context, volume, image_service, image_meta):
        if image_meta["disk_format"] != "raw":
            volume_utils.upload_volume(
                context, image_service, image_meta, str(self._path(volume)), volume, run_as_root=False
            )
            return
        with sparse.TrimmedReader(self._path(volume)) as data:
            image_service.update(context, image_meta["id"], {}, data)

    # Attachments: Nova's driver of the lab only checks that the file is there

    def ensure_export(self, context, volume):
        pass

    def create_export(self, context, volume, connector):
        pass

    def remove_export(self, context, volume):
        pass

    def create_export_snapshot(self, context, snapshot, connector):
        pass

    def remove_export_snapshot(self, context, snapshot):
        pass

    def validate_connector(self, connector):
        pass

    def initialize_connection(self, volume, connector):
        return {
            "driver_volume_type": "local",
            "data": {"device_path": str(self._path(volume)), "volume_id": volume.id},
        }

    def initialize_connection_snapshot(self, snapshot, connector, **kwargs):
        return {"driver_volume_type": "local", "data": {"device_path": str(self._path(snapshot))}}

    def terminate_connection(self, volume, connector, **kwargs):
        pass

    def terminate_connection_snapshot(self, snapshot, connector, **kwargs):
        pass

    # Moves between backends

    def retype(self, context, volume, new_type, diff, host):
        return True, None

    def migrate_volume(self, context, volume, host):
        """Hand the file to another backend of this driver; any other needs Cinder's own copying."""
        kind, _, directory = host["capabilities"].get("location_info", "").partition(":")
        if kind != type(self).__name__:
            return False, None
        target = pathlib.Path(directory) / volume.name
        sparse.copy(self._path(volume), target)
        self._path(volume).unlink()
        return True, None

    def update_migrated_volume(self, context, volume, new_volume, original_volume_status):
        """After Cinder's own copying: call the new file as the volume has always been called."""
        old, new = self.directory / f"volume-{volume.id}", self._path(new_volume)
        if old.exists():
            return {"_name_id": new_volume.name_id, "provider_location": None}
        new.rename(old)
        return {"_name_id": None, "provider_location": None}

    # Taking over files that are there already

    def manage_existing(self, volume, existing_ref):
        self._referred(existing_ref).rename(self._path(volume))
        # Cinder leaves it at true and names no service to lock: Nova attaches such a volume only where there is
        # an iSCSI initiator that scans by hand (os_brick.initiator.utils.guard_connection)
        return {"shared_targets": False}

    def manage_existing_get_size(self, volume, existing_ref):
        return _size_in_gib(self._referred(existing_ref))

    def manage_existing_snapshot(self, snapshot, existing_ref):
        self._referred(existing_ref).rename(self._path(snapshot))

    def manage_existing_snapshot_get_size(self, snapshot, existing_ref):
        return _size_in_gib(self._referred(existing_ref))

    def unmanage(self, volume):
        pass

    def unmanage_snapshot(self, snapshot):
        pass

    def _referred(self, reference):
        name = reference.get("source-name") or ""
        path = self.directory / name
        if not name or path.parent != self.directory or not path.exists():
            raise exception.ManageExistingInvalidReference(
                existing_ref=reference, reason=f"source-name must be a file in {self.directory}"
            )
        return path

    def get_manageable_volumes(self, cinder_volumes, marker, limit, offset, sort_keys, sort_dirs):
        managed = {volume.name: volume.id for volume in cinder_volumes}
        rows = [
            {
                "reference": {"source-name": path.name},
                "size": _size_in_gib(path),
                "cinder_id": managed.get(path.name),
                "safe_to_manage": path.name not in managed,
                "reason_not_safe": "already managed" if path.name in managed else None,
                "extra_info": None,
            }
            for path in sorted(self.directory.iterdir())
            if not path.name.startswith("snapshot-")
        ]
        return volume_utils.paginate_entries_list(rows, marker, limit, offset, sort_keys, sort_dirs)

    def get_volume_stats(self, refresh=False):
        # the base class's returns nothing before Victoria
        if refresh or not self._stats:
            self._update_volume_stats()
        return self._stats

    def _update_volume_stats(self):
        self._stats = {
            "volume_backend_name": self.configuration.safe_get("volume_backend_name"),
            "vendor_name": "Pumphouse lab",
            "driver_version": self.VERSION,
            "storage_protocol": "local",
            "location_info": f"{type(self).__name__}:{self.directory}",
            "total_capacity_gb": CAPACITY_GIB,
            "free_capacity_gb": CAPACITY_GIB,
            "provisioned_capacity_gb": 0,
            "reserved_percentage": 0,
            "max_over_subscription_ratio": "20.0",
            "thin_provisioning_support": True,
            "multiattach": True,
            "shared_targets": False,
            "online_extend_support": True,
        }


def _delete(path):
    with contextlib.suppress(FileNotFoundError):
        path.unlink()


def _size_in_gib(path):
    return -(-path.stat().st_size // GIB)
