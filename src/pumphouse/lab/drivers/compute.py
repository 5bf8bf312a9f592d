"""Nova's virt driver: Nova's own fake one, plus a real root disk and a record of each server."""

import os
import uuid

import nova.conf
from nova import exception
from nova.compute import power_state, task_states
from nova.objects import fields
from nova.virt import driver, fake

from pumphouse.lab.drivers import sparse
from pumphouse.lab.drivers.local_disks import IMAGES, create_other_disks, fetch_root_disk
from pumphouse.lab.drivers.moves import Moves
from pumphouse.lab.drivers.server_directory import ServerDirectory

CONF = nova.conf.CONF
# What the record of servers' lives calls the change to a state.
EVENTS = {
    power_state.RUNNING: "started",
    power_state.SHUTDOWN: "stopped",
    power_state.PAUSED: "paused",
    power_state.SUSPENDED: "suspended",
}


class LabDriver(Moves, fake.FakeDriver):
    """One compute host. All hosts of a cloud share the instances directory, as on shared storage."""

    capabilities = dict(
        fake.FakeDriver.capabilities,
        has_imagecache=False,
        supports_migrate_to_same_host=True,
        supports_device_tagging=True,
        supports_trusted_certs=True,
        supports_accelerators=False,
        supports_image_type_qcow2=True,
        supports_bfv_rescue=True,
    )
    vcpus, memory_mb, local_gb = 64, 262144, 4096

    # The host

    @property
    def host(self):
        return self._host

    def init_host(self, host):
        super().init_host(host)
        self._set_nodes([host])
        for directory in ServerDirectory.all(CONF.instances_path):
            record = directory.read()
            if record.get("host") == host and record.get("name"):
                self.instances[directory.id] = fake.FakeInstance(
                    record["name"], record["state"], directory.id
                )
                self._interfaces.update({port: {"id": port} for port in record.get("ports", ())})

    def get_nodenames_by_uuid(self, refresh=False):
        return {self._node_id(name): name for name in self._nodes}

    def get_available_resource(self, nodename):
        resources = super().get_available_resource(nodename)
        # the base class makes a new id in each process, and Nova refuses a node whose id changes
        resources["uuid"] = self._node_id(nodename)
        resources["hypervisor_type"] = "QEMU"
        resources["supported_instances"] = [
            (fields.Architecture.X86_64, fields.HVType.KVM, fields.VMMode.HVM)
        ]
        return resources

    @staticmethod
    def _node_id(name):
        return str(uuid.uuid5(uuid.NAMESPACE_DNS, name))

    def get_host_ip_addr(self):
        return CONF.my_ip

    def get_host_uptime(self):
        return "00:00:00 up 1 day,  0:00,  0 users,  load average: 0.00, 0.00, 0.00"

    # Life of a server

    def spawn(self, context, instance, image_meta, injected_files, admin_password, allocations,
              network_info=None, block_device_info=None, *args, **kwargs):  # fmt: skip
        directory = self._directory(instance)
        directory.create()
        root_volume = _root_volume(instance, block_device_info)
        if root_volume is None and not directory.disk.exists():  # after an evacuation it is there
            fetch_root_disk(context, instance, image_meta, directory.disk)
        create_other_disks(directory, instance.flavor, block_device_info)
        super().spawn(context, instance, image_meta, injected_files, admin_password, allocations,
                      network_info, block_device_info, *args, **kwargs)  # fmt: skip
        directory.note("evacuated" if directory.read().get("host") else "spawned", self._host)
        directory.update(
            name=instance.name,
            host=self._host,
            state=self.instances[instance.uuid].state,
            root_volume=root_volume,
            ports=[port["id"] for port in network_info or ()],
        )
        directory.print(f"{instance.display_name} booted on {self._host}\n{instance.hostname} login: ")

    def destroy(self, context, instance, network_info, block_device_info=None, destroy_disks=True,
                *args, **kwargs):  # fmt: skip
        if instance.uuid in self.instances:
            super().destroy(context, instance, network_info, block_device_info)
        for port in network_info or ():
            self._interfaces.pop(port["id"], None)
        self.cleanup(context, instance, network_info, block_device_info, destroy_disks)

    def cleanup(self, context, instance, network_info, block_device_info=None, destroy_disks=True,
                *args, **kwargs):  # fmt: skip
        self.instances.pop(instance.uuid, None)
        directory = self._directory(instance)
        # a host that the server has left must not take the disk with it
        if destroy_disks and directory.read().get("host") in (None, self._host):
            if directory.exists():
                directory.note("deleted", self._host)
            directory.delete()

    def power_off(self, instance, timeout=0, retry_interval=0):
        self._set_state(instance, power_state.SHUTDOWN)

    def power_on(self, context, instance, network_info, *args, **kwargs):
        self._set_state(instance, power_state.RUNNING, f"powered on\n{instance.hostname} login: ")

    def reboot(self, context, instance, network_info, reboot_type, *args, **kwargs):
        self._directory(instance).note("rebooted", self._host)
        self._set_state(instance, power_state.RUNNING, f"rebooted\n{instance.hostname} login: ")

    def pause(self, instance):
        self._set_state(instance, power_state.PAUSED)

    def unpause(self, instance):
        self._set_state(instance, power_state.RUNNING)

    def suspend(self, context, instance):
        self._set_state(instance, power_state.SUSPENDED)

    def resume(self, context, instance, network_info, *args, **kwargs):
        self._set_state(instance, power_state.RUNNING)

    def rescue(self, context, instance, *args, **kwargs):
        self._set_state(instance, power_state.RUNNING)

    def unrescue(self, *args):
        # (instance, network_info) before Victoria, (context, instance) since
        self._set_state(next(each for each in args if hasattr(each, "vm_state")), power_state.RUNNING)

    def resume_state_on_host_boot(self, context, instance, *args, **kwargs):
        self._set_state(instance, power_state.RUNNING)

    def get_console_output(self, context, instance):
        return self._directory(instance).printed()

    def _directory(self, instance):
        return ServerDirectory(CONF.instances_path, instance.uuid)

    def _set_state(self, instance, state, printed=None):
        if instance.uuid not in self.instances:
            raise exception.InstanceNotFound(instance_id=instance.uuid)
        if state != self.instances[instance.uuid].state:
            self._directory(instance).note(EVENTS[state], self._host)
        self.instances[instance.uuid].state = state
        self._directory(instance).update(state=state)
        if printed:
            self._directory(instance).print(printed)

    # Snapshot

    def snapshot(self, context, instance, image_id, update_task_state):
        if instance.uuid not in self.instances:
            raise exception.InstanceNotRunning(instance_id=instance.uuid)
        update_task_state(task_state=task_states.IMAGE_PENDING_UPLOAD)
        disk = self._directory(instance).disk
        described = {
            "name": IMAGES.get(context, image_id)["name"],
            "status": "active",
            "disk_format": "qcow2" if sparse.is_qcow2(disk) else "raw",
            "container_format": "bare",
            "properties": {
                "image_location": "snapshot",
                "image_state": "available",
                "owner_id": instance.project_id,
            },
        }
        update_task_state(
            task_state=task_states.IMAGE_UPLOADING, expected_state=task_states.IMAGE_PENDING_UPLOAD
        )
        with sparse.TrimmedReader(disk) as data:
            IMAGES.update(context, image_id, described, data, purge_props=False)

    # Volumes and ports

    def attach_volume(self, context, connection_info, instance, mountpoint, *args, **kwargs):
        path = connection_info["data"].get("device_path")
        if not path or not os.path.exists(path):
            raise exception.VolumeAttachFailed(
                volume_id=connection_info.get("serial"), reason=f"there is no file {path}"
            )
        super().attach_volume(context, connection_info, instance, mountpoint)

    def attach_interface(self, context, instance, image_meta, vif):
        super().attach_interface(context, instance, image_meta, vif)
        directory = self._directory(instance)
        directory.update(ports=[*directory.read().get("ports", ()), vif["id"]])

    def detach_interface(self, context, instance, vif):
        self._interfaces.pop(vif["id"], None)
        directory = self._directory(instance)
        directory.update(ports=[port for port in directory.read().get("ports", ()) if port != vif["id"]])


def _root_volume(instance, block_device_info):
    """Path of the volume the server boots from, None when it boots from its own disk."""
    root = driver.block_device_info_get_root_device(block_device_info) or instance.root_device_name
    for volume in driver.block_device_info_get_mapping(block_device_info):
        if volume.get("boot_index") == 0 or (root and volume.get("mount_device") == root):
            return volume["connection_info"]["data"].get("device_path")
    return None
