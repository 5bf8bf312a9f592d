"""How servers of the lab get from host to host; all hosts of a cloud share the directory of instances."""

import os
import time

from nova.compute import power_state, vm_states
from nova.virt import fake
from oslo_serialization import jsonutils

from pumphouse.lab.drivers.local_disks import GIB

# Metadata of a server: for how many seconds its guest keeps a live migration from ending by itself.
SECONDS = "lab:live_migration_seconds"


class Moves:
    """The part of the driver that moves servers."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self._orders = {}  # server that is being live-migrated → "abort" or "force", once that is ordered

    def instance_on_disk(self, instance):
        return self._directory(instance).exists()

    def check_instance_shared_storage_local(self, context, instance):
        return {"filename": instance.uuid}

    def check_instance_shared_storage_remote(self, context, data):
        return True

    def check_instance_shared_storage_cleanup(self, context, data):
        pass

    def live_migration(self, context, instance, dest, post_method, recover_method,
                       block_migration=False, migrate_data=None):  # fmt: skip
        """Takes as long as the guest writes to its memory faster than it can be copied; see SECONDS."""
        how = self._copied(instance)
        if how == "abort":
            recover_method(context, instance, dest, migrate_data, migration_status="cancelled")
        elif how != "died":
            if how == "force":  # as libvirt's driver does without post-copy
                self._set_state(instance, power_state.PAUSED)
            self.instances.pop(instance.uuid, None)
            post_method(context, instance, dest, block_migration, migrate_data)

    def _copied(self, instance):
        """Wait until the guest's memory is copied; how that came to be."""
        end = time.monotonic() + float(instance.metadata.get(SECONDS, 0))
        self._orders[instance.uuid] = ""
        try:
            while not self._orders[instance.uuid] and time.monotonic() < end:
                time.sleep(0.1)
                if self._directory(instance).read().get("state") == power_state.SHUTDOWN:
                    return "died"  # with its host, of which nobody is left to report it
            return self._orders[instance.uuid]
        finally:
            del self._orders[instance.uuid]

    def live_migration_force_complete(self, instance):
        self._orders[instance.uuid] = "force"

    def live_migration_abort(self, instance):
        self._orders[instance.uuid] = "abort"

    def post_live_migration_at_source(self, context, instance, network_info):
        self.instances.pop(instance.uuid, None)

    def post_live_migration_at_destination(self, context, instance, network_info,
                                           block_migration=False, block_device_info=None):  # fmt: skip
        state = self._directory(instance).read().get("state", power_state.RUNNING)
        if state == power_state.PAUSED and instance.vm_state != vm_states.PAUSED:
            state = power_state.RUNNING  # it was paused to be forced
        self._take_over(instance, network_info, state, "live-migrated")

    def migrate_disk_and_power_off(self, context, instance, dest, flavor, network_info, *args, **kwargs):
        if instance.uuid in self.instances:
            self._set_state(instance, power_state.SHUTDOWN)
        return jsonutils.dumps({"source": self._host})

    def finish_migration(self, context, migration, instance, disk_info, network_info, image_meta,
                         resize_instance, *rest, **kwargs):  # fmt: skip
        power_on = rest[-1]  # after the allocations, since Ussuri, and the block devices
        disk, size = self._directory(instance).disk, instance.flavor.root_gb * GIB
        if resize_instance and disk.exists() and disk.stat().st_size < size:
            os.truncate(disk, size)
        self._take_over(
            instance, network_info, power_state.RUNNING if power_on else power_state.SHUTDOWN, "migrated"
        )

    def confirm_migration(self, context, migration, instance, network_info):
        if migration.source_compute != migration.dest_compute:
            self.instances.pop(instance.uuid, None)

    def finish_revert_migration(self, context, instance, network_info, migration,
                                block_device_info=None, power_on=True, *args, **kwargs):  # fmt: skip
        self._take_over(
            instance, network_info, power_state.RUNNING if power_on else power_state.SHUTDOWN, "migrated"
        )

    def _take_over(self, instance, network_info, state, event):
        self.instances[instance.uuid] = fake.FakeInstance(instance.name, state, instance.uuid)
        self._interfaces.update({port["id"]: port for port in network_info or ()})
        directory = self._directory(instance)
        directory.create()
        directory.note(event, self._host)
        if event == "migrated" and state == power_state.RUNNING:
            directory.note("started", self._host)
        directory.update(
            name=instance.name,
            host=self._host,
            state=state,
            ports=[port["id"] for port in network_info or ()],
        )
        directory.print(f"now on {self._host}")
