"""Neutron's mechanism driver: binds every port at once, as an agent on the host would."""

from neutron.services.trunk.drivers import base as trunk_base
from neutron_lib import constants, context
from neutron_lib.api.definitions import portbindings
from neutron_lib.db import constants as db_constants
from neutron_lib.plugins import directory
from neutron_lib.plugins.ml2 import api
from neutron_lib.services.qos import base as qos_base
from neutron_lib.services.qos import constants as qos
from neutron_lib.services.trunk import constants as trunk

NAME = "pumphouse_lab"
NETWORK_TYPES = ("flat", "vlan", "vxlan", "local")
ANY_RATE = {"type:range": [0, db_constants.DB_INTEGER_MAX_VALUE]}
QOS_RULES = {
    qos.RULE_TYPE_BANDWIDTH_LIMIT: {
        qos.MAX_KBPS: ANY_RATE,
        qos.MAX_BURST: ANY_RATE,
        qos.DIRECTION: {"type:values": constants.VALID_DIRECTIONS},
    },
    qos.RULE_TYPE_MINIMUM_BANDWIDTH: {
        qos.MIN_KBPS: ANY_RATE,
        qos.DIRECTION: {"type:values": constants.VALID_DIRECTIONS},
    },
    qos.RULE_TYPE_DSCP_MARKING: {qos.DSCP_MARK: {"type:values": constants.VALID_DSCP_MARKS}},
}
if hasattr(qos, "RULE_TYPE_PACKET_RATE_LIMIT"):  # from Xena on
    QOS_RULES[qos.RULE_TYPE_PACKET_RATE_LIMIT] = {
        qos.MAX_KPPS: ANY_RATE,
        qos.MAX_BURST_KPPS: ANY_RATE,
        qos.DIRECTION: {"type:values": constants.VALID_DIRECTIONS},
    }
if hasattr(qos, "RULE_TYPE_MINIMUM_PACKET_RATE"):  # from Yoga on
    QOS_RULES[qos.RULE_TYPE_MINIMUM_PACKET_RATE] = {
        qos.MIN_KPPS: ANY_RATE,
        qos.DIRECTION: {"type:values": (*constants.VALID_DIRECTIONS, constants.ANY_DIRECTION)},
    }


class TrunkDriver(trunk_base.DriverBase):
    is_loaded = True


class LabMechanismDriver(api.MechanismDriver):
    def initialize(self):
        self.trunk_driver = TrunkDriver(
            NAME,
            (portbindings.VIF_TYPE_OVS,),
            (trunk.SEGMENTATION_TYPE_VLAN,),
            agent_type=None,
            can_trunk_bound_port=True,
        )
        self.qos_driver = qos_base.DriverBase(
            name=NAME,
            vif_types=[portbindings.VIF_TYPE_OVS],
            vnic_types=[portbindings.VNIC_NORMAL],
            supported_rules=QOS_RULES,
            requires_rpc_notifications=False,
        )

    @property
    def connectivity(self):
        return portbindings.CONNECTIVITY_L2

    def check_vlan_transparency(self, context):
        return True

    def bind_port(self, context):
        for segment in context.segments_to_bind:
            if segment[api.NETWORK_TYPE] in NETWORK_TYPES:
                details = {
                    portbindings.CAP_PORT_FILTER: True,
                    portbindings.OVS_HYBRID_PLUG: False,
                    "bridge_name": "br-int",
                    "datapath_type": "system",
                    "connectivity": "l2",
                }
                context.set_binding(
                    segment[api.ID], portbindings.VIF_TYPE_OVS, details, status=constants.PORT_STATUS_ACTIVE
                )
                return

    def update_port_postcommit(self, context):
        """A live migration activates a binding and leaves the port down until an agent reports it."""
        port = context.current
        if (
            context.host
            and context.vif_type == portbindings.VIF_TYPE_OVS
            and context.status == constants.PORT_STATUS_DOWN
            and port.get("admin_state_up")
        ):
            directory.get_plugin().update_port_status(
                _administrator(), port["id"], constants.PORT_STATUS_ACTIVE, context.host
            )


def _administrator():
    return context.get_admin_context()
