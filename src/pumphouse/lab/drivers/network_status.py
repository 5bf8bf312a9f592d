"""Neutron service plugin: reports routers' ports, floating IPs and trunks as working ones.

It has no API; it does what L3 and Open vSwitch agents would report.
"""

from neutron.objects import ports
from neutron.objects import trunk as trunk_objects
from neutron_lib import constants, context
from neutron_lib.callbacks import events, registry, resources
from neutron_lib.db import api
from neutron_lib.plugins import constants as plugin_constants
from neutron_lib.plugins import directory
from neutron_lib.services import base
from neutron_lib.services.trunk import constants as trunk_constants

SERVED_BY_L3_AGENT = (*constants.ROUTER_PORT_OWNERS, constants.DEVICE_OWNER_FLOATINGIP)
# after the trunk plugin's own callback, which sets a trunk down when its parent port changes
LAST = 2 * 55550000


class LabStatusPlugin(base.ServicePluginBase):
    supported_extension_aliases = []

    def __init__(self):
        super().__init__()
        for event in (events.AFTER_CREATE, events.AFTER_UPDATE):
            registry.subscribe(self._port_changed, resources.PORT, event, LAST)
            registry.subscribe(self._floating_ip_changed, resources.FLOATING_IP, event)
        registry.subscribe(self._trunk_created, resources.TRUNK, events.AFTER_CREATE)

    @classmethod
    def get_plugin_type(cls):
        return "PUMPHOUSE_LAB"

    def get_plugin_description(self):
        return "reports what agents would"

    # Before Xena there is no payload (of trunks: one of another form): the values are arguments of their own.

    def _port_changed(self, resource, event, trigger, payload=None, **told):
        port = payload.latest_state if payload else told["port"]
        request = payload.context if payload else told["context"]
        if port.get("device_owner") in SERVED_BY_L3_AGENT and port["status"] != constants.PORT_STATUS_ACTIVE:
            _set_status(ports.Port, request, port["id"], constants.PORT_STATUS_ACTIVE)
        details = port.get("trunk_details")
        if details:
            _set_trunk_status(details["trunk_id"], port)

    def _floating_ip_changed(self, resource, event, trigger, payload=None, **told):
        floating_ip = (payload.latest_state or {}) if payload else told
        associated = floating_ip.get("fixed_port_id") or floating_ip.get("port_id")
        directory.get_plugin(plugin_constants.L3).update_floatingip_status(
            context.get_admin_context(),
            floating_ip.get("id") or told.get("floating_ip_id") or payload.resource_id,
            constants.FLOATINGIP_STATUS_ACTIVE if associated else constants.FLOATINGIP_STATUS_DOWN,
        )

    def _trunk_created(self, resource, event, trigger, payload=None):
        administrator = context.get_admin_context()
        identifier = getattr(payload, "resource_id", None) or payload.trunk_id
        trunk = trunk_objects.Trunk.get_object(administrator, id=identifier)
        if trunk:
            _set_trunk_status(trunk.id, directory.get_plugin().get_port(administrator, trunk.port_id))


def _set_trunk_status(trunk_id, parent):
    """A trunk works when its parent port is plugged into a server."""
    plugged = parent["status"] == constants.PORT_STATUS_ACTIVE and parent.get("binding:host_id")
    status = trunk_constants.TRUNK_ACTIVE_STATUS if plugged else trunk_constants.TRUNK_DOWN_STATUS
    _set_status(trunk_objects.Trunk, context.get_admin_context(), trunk_id, status)


def _set_status(kind, request, identifier, status):
    with api.CONTEXT_WRITER.using(request):
        found = kind.get_object(request, id=identifier)
        if found and found.status != status:
            # a trunk's update() takes the values, a port's is told by attribute
            found.status = status
            super(kind, found).update()
