"""One file per resource type, and this table; nothing else. Order matters to people only."""

from pumphouse.kinds.address_group import AddressGroup
from pumphouse.kinds.address_scope import AddressScope
from pumphouse.kinds.aggregate import Aggregate
from pumphouse.kinds.application_credential import ApplicationCredential
from pumphouse.kinds.credential import Credential
from pumphouse.kinds.domain import Domain
from pumphouse.kinds.flavor import Flavor
from pumphouse.kinds.flavor_access import FlavorAccess
from pumphouse.kinds.floating_ip import FloatingIp
from pumphouse.kinds.group import Group
from pumphouse.kinds.group_membership import GroupMembership
from pumphouse.kinds.image import Image
from pumphouse.kinds.image_member import ImageMember
from pumphouse.kinds.implied_role import ImpliedRole
from pumphouse.kinds.keypair import Keypair
from pumphouse.kinds.metadef_namespace import MetadefNamespace
from pumphouse.kinds.network import Network
from pumphouse.kinds.port import Port
from pumphouse.kinds.project import Project
from pumphouse.kinds.qos_policy import QosPolicy
from pumphouse.kinds.quota import ComputeQuota, NetworkQuota, UserComputeQuota, VolumeQuota
from pumphouse.kinds.rbac_policy import RbacPolicy
from pumphouse.kinds.role import Role
from pumphouse.kinds.role_assignment import RoleAssignment
from pumphouse.kinds.router import Router
from pumphouse.kinds.router_interfaces import RouterInterfaces
from pumphouse.kinds.security_group import SecurityGroup
from pumphouse.kinds.security_group_rules import SecurityGroupRules
from pumphouse.kinds.server import Server
from pumphouse.kinds.server_group import ServerGroup
from pumphouse.kinds.subnet import Subnet
from pumphouse.kinds.subnet_pool import SubnetPool
from pumphouse.kinds.trunk import Trunk
from pumphouse.kinds.trust import Trust
from pumphouse.kinds.user import User
from pumphouse.kinds.volume import Volume
from pumphouse.kinds.volume_pool import VolumePool
from pumphouse.kinds.volume_qos import VolumeQos
from pumphouse.kinds.volume_snapshot import VolumeSnapshot
from pumphouse.kinds.volume_type import VolumeType
from pumphouse.kinds.volume_type_access import VolumeTypeAccess
from pumphouse.resource import Kind

KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Domain(),
        Project(),
        Role(),
        ImpliedRole(),
        User(),
        Group(),
        GroupMembership(),
        RoleAssignment(),
        Credential(),
        ApplicationCredential(),
        Trust(),
        Keypair(),
        Flavor(),
        FlavorAccess(),
        Aggregate(),
        ComputeQuota(),
        UserComputeQuota(),
        VolumeQuota(),
        NetworkQuota(),
        AddressScope(),
        SubnetPool(),
        AddressGroup(),
        QosPolicy(),
        Network(),
        Subnet(),
        SecurityGroup(),
        SecurityGroupRules(),
        Router(),
        RouterInterfaces(),
        RbacPolicy(),
        Port(),
        Trunk(),
        FloatingIp(),
        Image(),
        ImageMember(),
        MetadefNamespace(),
        VolumePool(),
        VolumeQos(),
        VolumeType(),
        VolumeTypeAccess(),
        ServerGroup(),
        Volume(),
        VolumeSnapshot(),
        Server(),
    )
}
