"""The configuration files of one cloud's services.

Everything not set here is the release's default. Options a release does not know are ignored by it.
"""

import json
import shutil
import uuid
from typing import Any

from pumphouse.lab.cloud import BACKENDS, MORTAL, REGION, Cloud
from pumphouse.lab.home import write_private

Sections = dict[str, dict[str, Any]]

# Files of the releases that must lie beside the configuration, by their name there.
RELEASED_FILES = {
    "nova-api-paste.ini": "nova/api-paste.ini",
    "cinder-api-paste.ini": "cinder/api-paste.ini",
    "cinder-resource_filters.json": "cinder/resource_filters.json",
    "neutron-api-paste.ini": "neutron/api-paste.ini",
    "glance-api-paste.ini": "glance/glance-api-paste.ini",
}
# Before Ussuri, Glance without this file lets nobody in but administrators.
GLANCE_POLICY = "glance/policy.json"


def write_configuration(cloud: Cloud) -> None:
    """Write all files of ``cloud`` and make the directories they name."""
    for directory in (
        cloud.db, cloud.log, cloud.run, cloud.data / "images", cloud.data / "instances",
        cloud.data / "locks", cloud.data / "conversion", cloud.data / "nova",
        cloud.data / "glance-staging", cloud.data / "glance-tasks",
        *(cloud.volumes_directory(backend) for backend in BACKENDS),
    ):  # fmt: skip
        directory.mkdir(parents=True, exist_ok=True)
    for service, sections in configuration(cloud).items():
        sections["DEFAULT"]["log_file"] = f"{service.removesuffix('-api')}.log"
        write_private(cloud.etc / f"{service}.conf", _ini(sections))
    for name, released in RELEASED_FILES.items():
        shutil.copy(cloud.environment / "etc" / released, cloud.etc / name)
    if (cloud.environment / "etc" / GLANCE_POLICY).exists():
        shutil.copy(cloud.environment / "etc" / GLANCE_POLICY, cloud.etc / "glance-policy.json")
    # Nova from 27 on refuses to start a host twice without this file; the driver gives each host its own id
    (cloud.data / "nova" / "compute_id").write_text(f"{uuid.uuid5(uuid.NAMESPACE_DNS, cloud.name)}\n")
    known = {
        "green": sorted(cloud.release.green),
        "hosts": cloud.hosts,
        "region": REGION,
        "password": cloud.password,
        "endpoints": cloud.endpoints,
        "volume_types": BACKENDS,
        "capacity": cloud.capacity.of_driver(),
    }
    write_private(cloud.etc / "cloud.json", json.dumps(known, indent=2) + "\n")


def configuration(cloud: Cloud) -> dict[str, Sections]:
    """File (without ``.conf``) → section → option → value."""
    return {
        "keystone": _keystone(cloud),
        "placement": _placement(cloud),
        "glance-api": _glance(cloud),
        "neutron": _neutron(cloud),
        "cinder": _cinder(cloud),
        "nova": _nova(cloud),
    }


def _ini(sections: Sections) -> str:
    lines = []
    for name, options in sections.items():
        lines += [f"[{name}]", *(f"{option} = {_text(value)}" for option, value in options.items()), ""]
    return "\n".join(lines)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(value) if isinstance(value, list | tuple) else str(value)


def _default(cloud: Cloud, **more: Any) -> dict[str, Any]:
    return {
        "log_dir": cloud.log,
        "use_stderr": False,
        "transport_url": "fake://",
        "state_path": cloud.data,
        **more,
    }


def _database(cloud: Cloud, name: str) -> dict[str, Any]:
    return {"connection": f"sqlite:///{cloud.db}/{name}.sqlite"}


def _service_user(cloud: Cloud, **more: Any) -> dict[str, Any]:
    return {
        "auth_type": "password",
        "auth_url": cloud.auth_url,
        "username": "services",
        "password": cloud.password,
        "project_name": "service",
        "user_domain_id": "default",
        "project_domain_id": "default",
        "region_name": REGION,
        **more,
    }


def _authtoken(cloud: Cloud) -> dict[str, Any]:
    return _service_user(
        cloud,
        www_authenticate_uri=cloud.auth_url,
        service_token_roles="service",  # noqa: S106  (a role, not a password)
        service_token_roles_required=True,
    )


def _common(cloud: Cloud) -> Sections:
    return {
        "keystone_authtoken": _authtoken(cloud),
        "oslo_messaging_notifications": {"driver": "noop"},
        "oslo_concurrency": {"lock_path": cloud.data / "locks"},
    }


def _keystone(cloud: Cloud) -> Sections:
    keys = {"key_repository": cloud.etc / "fernet-keys"}
    return {
        "DEFAULT": _default(cloud, public_endpoint=cloud.url("keystone") + "/"),
        "database": _database(cloud, "keystone"),
        "token": {"provider": "fernet", "expiration": 86400},
        "fernet_tokens": keys,
        # always loaded, and /etc/keystone/fernet-keys by default
        "fernet_receipts": keys,
        # A cache in memory gives out what it keeps, and Keystone decrypts credentials where they are: the second
        # look at one would fail.
        "credential": {"key_repository": cloud.etc / "credential-keys", "caching": False},
        "identity": {"password_hash_rounds": 4},
        "cache": {"enabled": True, "backend": "dogpile.cache.memory"},
        "oslo_messaging_notifications": {"driver": "noop"},
    }


def _placement(cloud: Cloud) -> Sections:
    return {
        "DEFAULT": {"log_dir": cloud.log, "use_stderr": False, "state_path": cloud.data},
        "placement_database": _database(cloud, "placement"),
        "api": {"auth_strategy": "keystone"},
        "keystone_authtoken": _authtoken(cloud),
    }


def _glance(cloud: Cloud) -> Sections:
    return {
        "DEFAULT": _default(
            cloud,
            enabled_backends="file:file",
            enabled_import_methods="[glance-direct,web-download,copy-image]",
            node_staging_uri=f"file://{cloud.data}/glance-staging",
        ),
        "glance_store": {"default_backend": "file"},
        "file": {
            "filesystem_store_datadir": cloud.data / "images",
            "filesystem_thin_provisioning": True,
        },
        "os_glance_staging_store": {"filesystem_store_datadir": cloud.data / "glance-staging"},
        "os_glance_tasks_store": {"filesystem_store_datadir": cloud.data / "glance-tasks"},
        "database": _database(cloud, "glance"),
        "paste_deploy": {"flavor": "keystone"},
        **_glance_policy(cloud),
        **_common(cloud),
    }


def _glance_policy(cloud: Cloud) -> Sections:
    if not (cloud.environment / "etc" / GLANCE_POLICY).exists():
        return {}
    # not under the usual name: the services share this directory
    return {"oslo_policy": {"policy_file": cloud.etc / "glance-policy.json"}}


def _neutron(cloud: Cloud) -> Sections:
    return {
        "DEFAULT": _default(
            cloud,
            core_plugin="ml2",
            service_plugins=["router", "trunk", "qos", "segments", "port_forwarding", "pumphouse_lab"],
            host=cloud.hosts[0],
            dns_domain="lab.",
            vlan_transparent=True,
            api_paste_config=cloud.etc / "neutron-api-paste.ini",
            rpc_workers=0,
            api_workers=0,
            dhcp_agent_notification=False,
        ),
        "ml2": {
            "type_drivers": ["flat", "vlan", "vxlan", "local"],
            "tenant_network_types": "vxlan",
            "mechanism_drivers": "pumphouse_lab",
            "extension_drivers": ["port_security", "qos", "dns_domain_ports", "uplink_status_propagation"],
        },
        "ml2_type_flat": {"flat_networks": ["public", "physnet1"]},
        "ml2_type_vlan": {"network_vlan_ranges": ["public:100:200", "physnet1:1000:1999"]},
        "ml2_type_vxlan": {"vni_ranges": "1:10000"},
        "securitygroup": {"enable_security_group": True},
        # without a line of our own Neutron looks for one in /etc/neutron
        "service_providers": {},
        "database": _database(cloud, "neutron"),
        "nova": _service_user(cloud),
        "placement": _service_user(cloud),
        **_common(cloud),
    }


def _cinder(cloud: Cloud) -> Sections:
    backends = {
        backend: {
            "volume_driver": "pumphouse.lab.drivers.volume.FileDriver",
            "volume_backend_name": backend,
            "lab_volumes_directory": cloud.volumes_directory(backend),
        }
        for backend in BACKENDS
    }
    return {
        "DEFAULT": _default(
            cloud,
            auth_strategy="keystone",
            host=cloud.name,
            enabled_backends=BACKENDS,
            default_volume_type=BACKENDS[0],
            api_paste_config=cloud.etc / "cinder-api-paste.ini",
            resource_query_filters_file=cloud.etc / "cinder-resource_filters.json",
            glance_api_servers=cloud.url("glance"),
            image_conversion_dir=cloud.data / "conversion",
            allow_availability_zone_fallback=True,
            periodic_fuzzy_delay=2,
            # each second of it is a second of `lab up`
            scheduler_driver_init_wait_time=1,
        ),
        **backends,
        "database": _database(cloud, "cinder"),
        "nova": _service_user(cloud, interface="public"),
        "service_user": _service_user(cloud, send_service_user_token=True),
        "coordination": {"backend_url": f"file://{cloud.data}/locks"},
        **_common(cloud),
    }


def _nova_default(cloud: Cloud) -> dict[str, Any]:
    return _default(
        cloud,
        state_path=cloud.data / "nova",
        instances_path=cloud.data / "instances",
        compute_driver="pumphouse_lab.LabDriver",
        host=cloud.name,
        my_ip="127.0.0.1",
        periodic_fuzzy_delay=2,
        # power states come from the driver's own record, ports are plugged by nobody
        sync_power_state_interval=-1,
        vif_plugging_timeout=0,
        vif_plugging_is_fatal=False,
        running_deleted_instance_action="noop",
        allow_resize_to_same_host=True,
        disk_allocation_ratio=4.0,
        **cloud.capacity.options(),
        **(MORTAL if cloud.mortal else {}),
    )


def _nova(cloud: Cloud) -> Sections:
    return {
        "DEFAULT": _nova_default(cloud),
        "api_database": _database(cloud, "nova_api"),
        "database": _database(cloud, "nova"),
        "api": {"auth_strategy": "keystone"},
        "placement": _service_user(cloud),
        "neutron": _service_user(cloud),
        "glance": {"api_servers": cloud.url("glance")},
        "cinder": _service_user(cloud, os_region_name=REGION, catalog_info="volumev3::publicURL"),
        "service_user": _service_user(cloud, send_service_user_token=True),
        "filter_scheduler": {
            "enabled_filters": [
                "ComputeFilter",
                "ComputeCapabilitiesFilter",
                "ImagePropertiesFilter",
                "ServerGroupAntiAffinityFilter",
                "ServerGroupAffinityFilter",
            ],
        },
        "compute": {
            "live_migration_wait_for_vif_plug": False,
            # /etc/nova/provider_config by default
            "provider_config_location": cloud.data / "nova" / "provider_config",
        },
        "vnc": {"enabled": False},
        "cache": {"enabled": True, "backend": "dogpile.cache.memory"},
        **_common(cloud),
    }
