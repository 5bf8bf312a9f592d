"""Each rule fires for its case, and only it does."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from worlds import (
    ACME,
    acme,
    changed,
    flavor,
    item,
    mac_of,
    network,
    new_cloud,
    port,
    problems,
    project,
    replaced,
    router,
    row,
    server,
    subnet,
    there,
    user,
    volume,
    volume_pool,
    volume_qos,
    volume_snapshot,
    volume_type,
    without,
    world,
)

from pumphouse.inventory import Inventory
from pumphouse.kinds import KINDS
from pumphouse.model import HostRoom, Item, NetworkFacts, Selection, Severity
from pumphouse.network_resource import NetworkKind
from pumphouse.plan import World
from pumphouse.plan.owner import owner_is_kept
from pumphouse.plan.pools import HOST
from pumphouse.plan.rules.view import RULES
from pumphouse.plan.understood import understood
from pumphouse.policy import Policy

BLOCK, WARN, NOTE = Severity.BLOCK, Severity.WARN, Severity.NOTE
BY_KEY = {i.key: i for i in acme()}
#: What is said of every new project with servers.
ALWAYS = {"user-password", "server-new-id"}


def source(*more: Item) -> World:
    return world(replaced(acme(), *more))


def seen(key: str, **observed: object) -> World:
    """The source with something observed otherwise."""
    return source(changed(BY_KEY[key], observed=observed))


def made_type(*more: Item, **fields: object) -> World:
    parts = replaced(acme(), volume_type("gold", **fields), *more)
    return world(parts, without(new_cloud(), "volume_type:gold"), create_volume_types=True)


def shared_volume(**specs: str) -> World:
    """Two servers have one volume; its type in the destination has these extra specs."""
    specs = specs or {"multiattach": "<is> True"}
    here = volume_type("gold", extra_specs={"multiattach": "<is> True"})
    attachments = [{"server_id": "web-1"}, {"server_id": "web-2"}]
    disk = changed(BY_KEY["volume:data"], observed={"attachments": attachments})
    parts = replaced(acme(), here, disk, server("web-2", "acme", "ann", volumes=["data"]))
    return world(parts, replaced(new_cloud(), volume_type("gold", extra_specs=specs)))


def reused_port(device: str = "someone") -> World:
    keys = ("project:acme", "network:lan", "subnet:lan-subnet", "security_group:web")
    parts = [there(BY_KEY[key]) for key in keys]
    used = changed(there(BY_KEY["port:port"]), observed={"device_id": device})
    return world(None, replaced(new_cloud(), *parts, used))


def crowd(hosts: int, policy: str = "anti-affinity", **rules: int) -> World:
    apart = changed(BY_KEY["server_group:apart"], policy=policy, rules=rules)
    rooms = tuple(HostRoom(f"h{n}", 99, 99999, 999) for n in range(hosts))
    return world(replaced(acme(), server("web-2", "acme", "ann", group_="apart"), apart), hosts=rooms)


GATEWAY = {
    "network_id": "public",
    "external_fixed_ips": [{"subnet_id": "public-subnet", "ip_address": "192.0.2.3"}],
}
FURTHER = {
    "network_id": "public",
    "external_fixed_ips": [{"subnet_id": "public-subnet", "ip_address": "192.0.2.4"}],
}
VLAN = {
    "provider:network_type": "vlan",
    "provider:physical_network": "left",
    "provider:segmentation_id": 7,
}
ROUTED = {*ALWAYS, "router-address"}


def facing(facts: NetworkFacts, *more: Item, destination: list[Item] | None = None) -> World:
    """A destination with these facts, and a source with these items besides, as it is understood there."""
    of = world(replaced(acme(), *more), destination)
    source_ = understood(of.source, facts, of.policy)
    return replace(of, source=source_, destination=Inventory("destination", of.destination, facts))


def plain(**more: Any) -> NetworkFacts:
    """A destination with all extensions."""
    kinds = [kind for kind in KINDS.values() if isinstance(kind, NetworkKind)]
    known = {kind.extension for kind in kinds} | {a for kind in kinds for a in kind.extensions.values()}
    return replace(NetworkFacts(frozenset(known)), **more)


def lan_there(*used: str) -> World:
    """The network is there already, and something in it has these addresses."""
    parts = [there(BY_KEY[key]) for key in ("project:acme", "network:lan", "subnet:lan-subnet")]
    facts = plain(in_use={"new-lan": dict.fromkeys(used, "port x (network:dhcp)")})
    return facing(facts, destination=replaced(new_cloud(), *parts))


def shared_with(target: str) -> Item:
    fields = {
        "action": "access_as_shared",
        "object_type": "network",
        "project_id": "acme",
        "network_id": "lan",
    }
    return item("rbac_policy", "r", "lan for other", "acme", {**fields, "target_project_id": target})


def pool(identifier: str, owner: str) -> Item:
    fields = {"name": identifier, "project_id": owner, "prefixes": [], "is_default": True, "tags": []}
    return item("subnet_pool", identifier, identifier, owner, fields, ip_version=4)


#: What the destination's network service is, or has in the way → as above.
NETWORK_CASES: dict[str, tuple[str, Severity, str, str, Callable[[], World]]] = {
    "attribute unknown": (
        "network-attribute",
        WARN,
        "network:lan",
        "arrives without dns_domain: the destination has no extension 'dns-integration'",
        lambda: facing(
            replace(plain(), extensions=plain().extensions - {"dns-integration"}),
            network("lan", "acme", dns_domain="lan."),
        ),
    ),
    "zone unknown": (
        "network-attribute",
        WARN,
        "network:lan",
        "the destination has no availability zone z1 for a network",
        lambda: facing(
            plain(zones=frozenset({("network", "z2")})),
            network("lan", "acme", availability_zone_hints=["z1", "z2"]),
        ),
    ),
    "kind unknown": (
        "network-extension",
        WARN,
        "subnet_pool:pool",
        "is not made: the destination's Neutron has no extension 'subnet_allocation'",
        lambda: facing(
            replace(plain(), extensions=plain().extensions - {"subnet_allocation"}), pool("pool", "acme")
        ),
    ),
    "segments": (
        "network-not-carried",
        WARN,
        "network:lan",
        "has several segments",
        lambda: seen("network:lan", segments=[{}, {}]),
    ),
    "share": (
        "share-waits",
        WARN,
        "rbac_policy:r",
        "its project 'other' is not in the destination yet",
        lambda: source(project("other"), shared_with("other")),
    ),
    "MTU": (
        "network-mtu",
        WARN,
        "network:lan",
        "has MTU 9000; no such network of the destination has more than 1500",
        lambda: source(network("lan", "acme", mtu=9000)),
    ),
    "forwarding": (
        "forwarding-shared",
        NOTE,
        "floating_ip:float",
        "forwards to 2 servers",
        lambda: source(
            port("a", "lan", "acme", server_="web-1"),
            port("b", "lan", "acme", server_="web-2"),
            changed(
                BY_KEY["floating_ip:float"],
                port_id=None,
                port_forwardings=[{"internal_port_id": "a"}, {"internal_port_id": "b"}],
            ),
        ),
    ),
    "segment": (
        "segment-taken",
        BLOCK,
        "network:lan",
        "needs VLAN 7 of 'left', which network 'theirs' (new-theirs) of the destination has",
        lambda: world(
            replaced(acme(), network("lan", "acme", **VLAN)),
            replaced(new_cloud(), network("new-theirs", "new-admin", "theirs", **VLAN)),
        ),
    ),
    "physical network missing": (
        "physical-network-missing",
        BLOCK,
        "network:lan",
        "is on physical network 'left'; the destination's agents know right",
        lambda: facing(
            plain(physical_networks=frozenset({"right"})), network("lan", "acme", **VLAN, mtu=None)
        ),
    ),
    "physical network unseen": (
        "physical-network-unseen",
        WARN,
        "network:lan",
        "'left', which no network of the destination is on",
        lambda: facing(plain(), network("lan", "acme", **VLAN, mtu=None)),
    ),
    "address": (
        "address-taken",
        BLOCK,
        "port:port",
        "needs 10.0.0.10 in network 'lan'; port x (network:dhcp) of the destination has it",
        lambda: lan_there("10.0.0.10"),
    ),
    "interface": (
        "address-taken",
        BLOCK,
        "router_interfaces:gate",
        "needs 10.0.0.1 in network 'lan'",
        lambda: lan_there("10.0.0.1"),
    ),
    "MAC": (
        "mac-taken",
        BLOCK,
        "port:port",
        f"needs {mac_of('port')} in network 'lan'",
        lambda: lan_there(mac_of("port")),
    ),
    "floating IP taken": (
        "floating-ip-taken",
        BLOCK,
        "floating_ip:float",
        "needs 192.0.2.7 in network 'public'",
        lambda: facing(plain(in_use={"new-public": {"192.0.2.7": "port x"}})),
    ),
    "default pool": (
        "default-pool-taken",
        BLOCK,
        "subnet_pool:pool",
        "is the default; the destination's default is 'theirs'",
        lambda: world(
            replaced(acme(), pool("pool", "acme")), replaced(new_cloud(), pool("theirs", "new-admin"))
        ),
    ),
}
#: The same for routers with a gateway, of which another rule always has something to say.
ROUTER_CASES: dict[str, tuple[str, Severity, str, str, Callable[[], World]]] = {
    "gateway taken": (
        "gateway-taken",
        BLOCK,
        "router:gate",
        "needs 192.0.2.3 in network 'public'",
        lambda: facing(
            plain(in_use={"new-public": {"192.0.2.3": "port x"}}), router("gate", "acme", GATEWAY)
        ),
    ),
    "further gateway taken": (
        "gateway-taken",
        BLOCK,
        "router:gate",
        "needs 192.0.2.4 in network 'public'",
        lambda: facing(
            plain(in_use={"new-public": {"192.0.2.4": "port x"}}),
            router("gate", "acme", GATEWAY, external_gateways=[FURTHER]),
        ),
    ),
    "gateway outside": (
        "gateway-outside",
        BLOCK,
        "router:gate",
        "its external address 198.51.100.3 is in no subnet of the destination's network 'public'",
        lambda: source(
            router(
                "gate",
                "acme",
                {
                    **GATEWAY,
                    "external_fixed_ips": [{"subnet_id": "public-subnet", "ip_address": "198.51.100.3"}],
                },
            )
        ),
    ),
}
#: Case → (rule, severity, key, part of what is said, the world).
CASES: dict[str, tuple[str, Severity, str, str, Callable[[], World]]] = {
    **NETWORK_CASES,
    **{
        f"server in {status}": (
            "server-state",
            BLOCK,
            "server:web-1",
            f"server 'web-1' (web-1) is in status {status}",
            lambda status=status: seen("server:web-1", status=status),
        )
        for status in ("ERROR", "BUILD", "VERIFY_RESIZE", "RESCUE", "SOFT_DELETED")
    },
    "server in error says why": (
        "server-state",
        BLOCK,
        "server:web-1",
        "is in status ERROR: no valid host",
        lambda: seen("server:web-1", status="ERROR", fault="no valid host"),
    ),
    "server busy": (
        "server-state",
        BLOCK,
        "server:web-1",
        "is busy (resize_prep)",
        lambda: seen("server:web-1", task_state="resize_prep"),
    ),
    **{
        f"memory of a server that is {status}": (
            "server-memory",
            WARN,
            "server:web-1",
            f"is {status}: its memory stays behind",
            lambda status=status: seen("server:web-1", status=status),
        )
        for status in ("PAUSED", "SUSPENDED")
    },
    **{
        f"shelved with {len(found)} images": (
            "server-shelve-image",
            BLOCK,
            "server:web-1",
            f"is shelved, and {len(found)} images may be its root disk",
            lambda found=found: source(
                changed(
                    BY_KEY["server:web-1"],
                    volumes=[],
                    observed={"status": "SHELVED_OFFLOADED", "shelve_images": found},
                )
            ),
        )
        for found in ([], ["a", "b"])
    },
    "shelved with volumes": (
        "server-shelved-volumes",
        BLOCK,
        "server:web-1",
        "is shelved, and has 1 volume(s), which cannot be copied",
        lambda: seen("server:web-1", status="SHELVED", shelve_images=["i"]),
    ),
    "flavor changed": (
        "server-flavor-changed",
        WARN,
        "server:web-1",
        "was made with other extra specs of flavor 'small'",
        lambda: seen("server:web-1", flavor={"extra_specs": {"hw:cpu_policy": "dedicated"}}),
    ),
    "flavor deleted": (
        "flavor-deleted",
        NOTE,
        "flavor:deleted-1",
        "was deleted at the source",
        lambda: source(flavor("deleted-1", "tiny"), changed(BY_KEY["server:web-1"], flavor_id="deleted-1")),
    ),
    "flavor twice": (
        "flavor-twice",
        BLOCK,
        "flavor:small",
        "flavors secret and small would both be named 'tiny'",
        lambda: replace(source(), policy=Policy(flavors={"secret": "tiny", "small": "tiny"})),
    ),
    "zone": (
        "server-zone",
        BLOCK,
        "server:web-1",
        "goes to availability zone 'nova', where the destination has no host",
        lambda: replace(
            seen("server:web-1", zone_pinned=True), hosts=(HostRoom("h", 64, 65536, 1000, "az1"),)
        ),
    ),
    "host": (
        "server-host",
        BLOCK,
        "server:web-1",
        "goes to host 'host-9' by policy.hosts",
        lambda: replace(source(), policy=Policy(hosts={"old-1": "host-9"})),
    ),
    "host and owner": (
        "server-host-owner",
        WARN,
        "server:web-1",
        "goes to host 'host-1', and will belong to the administrator's user",
        lambda: replace(source(), policy=Policy(hosts={"old-1": "host-1"})),
    ),
    "root type": (
        "server-root-type",
        BLOCK,
        "server:web-1",
        "its root disk becomes a volume of type 'nvme'",
        lambda: replace(source(), policy=Policy(boot_root="volume", boot_root_type="nvme")),
    ),
    "certificates": (
        "server-certificates",
        WARN,
        "server:web-1",
        "arrives without its trusted image certificates (c1)",
        lambda: seen("server:web-1", trusted_certificates=["c1"]),
    ),
    "hints": (
        "server-hints",
        WARN,
        "server:web-1",
        "arrives without its scheduler hints same_host",
        lambda: seen("server:web-1", server_hints=["same_host"]),
    ),
    "ephemeral disk": (
        "server-local-disks",
        BLOCK,
        "server:web-1",
        "has 5 GiB ephemeral disk, which",
        lambda: seen("server:web-1", ephemeral_gb=5),
    ),
    "swap": (
        "server-local-disks",
        BLOCK,
        "server:web-1",
        "has 64 MiB swap, which",
        lambda: seen("server:web-1", swap_mb=64),
    ),
    "both local disks": (
        "server-local-disks",
        BLOCK,
        "server:web-1",
        "has 5 GiB ephemeral disk and 64 MiB swap",
        lambda: seen("server:web-1", ephemeral_gb=5, swap_mb=64),
    ),
    "flavor gone": (
        "server-flavor-gone",
        BLOCK,
        "server:web-1",
        "its flavor 'small' was deleted",
        lambda: source(changed(BY_KEY["server:web-1"], flavor_id=None)),
    ),
    "key gone": (
        "server-key-gone",
        WARN,
        "server:web-1",
        "no longer has keypair 'laptop'",
        lambda: seen("server:web-1", key_gone="laptop"),
    ),
    "owner gone": (
        "server-owner",
        WARN,
        "server:lone",
        "its user no longer exists",
        lambda: source(server("lone", "acme", None)),
    ),
    "more in a group than hosts": (
        "server-group-hosts",
        BLOCK,
        "server:web-1",
        "of whose 2 servers no more than 1 may share a host; the destination has 1 hypervisor(s)",
        lambda: crowd(1),
    ),
    "port in use": (
        "port-in-use",
        BLOCK,
        "server:web-1",
        "its port's counterpart new-port is in use already",
        reused_port,
    ),
    "gateway": (
        "router-address",
        WARN,
        "router:gate",
        "keeps its external address",
        lambda: source(
            router(
                "gate",
                "acme",
                {
                    "network_id": "public",
                    "external_fixed_ips": [{"subnet_id": "public-subnet", "ip_address": "192.0.2.3"}],
                },
            )
        ),
    ),
    "address outside": (
        "floating-ip-outside",
        BLOCK,
        "floating_ip:float",
        "floating IP 192.0.2.7 is in no subnet of the destination's network 'public'",
        lambda: world(
            None,
            replaced(
                without(new_cloud(), "subnet:new-public-subnet"),
                subnet("new-public-subnet", "new-public", "new-admin", "198.51.100.0/24"),
            ),
        ),
    ),
    "blocked": (
        "blocked-step",
        BLOCK,
        "flavor:secret",
        "flavor 'secret' (secret): the destination has one that differs in ram",
        lambda: world(None, replaced(new_cloud(), there(BY_KEY["flavor:secret"], ram=1))),
    ),
    "dangling": (
        "dangling-reference",
        BLOCK,
        "image:cirros",
        "refers to image kernel, which the source does not have",
        lambda: source(changed(BY_KEY["image:cirros"], properties={"kernel_id": "kernel"})),
    ),
    **{
        f"volume {status}": (
            "volume-state",
            BLOCK,
            "volume:data",
            f"volume 'data' (data) is in status {status}",
            lambda status=status: seen("volume:data", status=status),
        )
        for status in ("error", "creating", "maintenance", "retyping", "uploading", "reserved")
    },
    "encrypted": (
        "volume-encrypted",
        BLOCK,
        "volume:data",
        "is encrypted",
        lambda: seen("volume:data", encrypted=True),
    ),
    "attached to one that stays": (
        "volume-attached-elsewhere",
        BLOCK,
        "volume:data",
        "is attached to server 'x', which is not moved",
        lambda: seen("volume:data", attachments=[{"server_id": "x"}]),
    ),
    "shared": (
        "volume-shared",
        NOTE,
        "volume:data",
        "is shared by servers web-1, web-2",
        shared_volume,
    ),
    "zone of a volume": (
        "volume-zone",
        BLOCK,
        "volume:spare",
        "goes to availability zone 'mars', which the block storage of the destination does not have",
        lambda: world(
            replaced(acme(), changed(BY_KEY["volume:spare"], availability_zone="old")),
            [*new_cloud(), volume_pool("d@e#f")],
            volume_availability_zones={"old": "mars"},
        ),
    ),
    "moved before its server": (
        "volume-moved-before",
        BLOCK,
        "server:web-1",
        "has volume 'data' (data), which was moved before",
        lambda: world(
            None,
            replaced(new_cloud(), there(BY_KEY["volume:data"])),
            row("volume:data", "done", there(BY_KEY["volume:data"]).id),
        ),
    ),
    "snapshot that cannot be kept": (
        "volume-snapshots",
        BLOCK,
        "volume_snapshot:s",
        "is lost: the destination's block storage cannot change",
        lambda: world([*acme(), volume_snapshot("s", "spare", "acme")]),
    ),
    "type that differs": (
        "volume-type-differs",
        WARN,
        "volume_type:gold",
        "multiattach 'not set' instead of '<is> True'",
        lambda: source(volume_type("gold", extra_specs={"multiattach": "<is> True"})),
    ),
    "type with QoS specs": (
        "volume-type-qos",
        BLOCK,
        "volume_type:gold",
        "needs QoS specs 'fast', which the destination does not have",
        lambda: made_type(volume_qos("fast", iops="5"), qos_specs="fast"),
    ),
    "type of a backend": (
        "volume-type-backend",
        BLOCK,
        "volume_type:gold",
        "asks for storage 'rbd'",
        lambda: made_type(extra_specs={"volume_backend_name": "rbd"}),
    ),
    "volume in a group": (
        "volume-group",
        WARN,
        "volume:data",
        "leaves its volume group g",
        lambda: seen("volume:data", group_id="g"),
    ),
    "volume with backups": (
        "volume-backups",
        WARN,
        "volume:data",
        "has 2 backup(s)",
        lambda: seen("volume:data", backups=2),
    ),
    "adopted": (
        "volume-adopted",
        NOTE,
        "volume:spare",
        "is handed over without a copy",
        lambda: world(
            replaced(acme(), changed(BY_KEY["volume:spare"], observed={HOST: "a@b#c"})),
            [*new_cloud(), volume_pool("d@e#f")],
            shared_pools={"a@b#c": "d@e#f"},
        ),
    ),
    "not adopted": (
        "volume-not-adopted",
        NOTE,
        "volume:spare",
        "the destination has no pool 'd@e#f'",
        lambda: world(
            replaced(acme(), changed(BY_KEY["volume:spare"], observed={HOST: "a@b#c"})),
            shared_pools={"a@b#c": "d@e#f"},
        ),
    ),
    "snapshot dropped": (
        "volume-snapshots-dropped",
        WARN,
        "volume_snapshot:s",
        "is not carried: dropped by policy.snapshots",
        lambda: world([*acme(), volume_snapshot("s", "spare", "acme")], snapshots="drop"),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_rule_fires_for_its_case_and_no_other_does(case: str) -> None:
    rule, severity, key, words, make = CASES[case]
    found = problems(make())
    assert found.keys() - ALWAYS - {"blocked-step"} == {rule} - {"blocked-step"}
    problem = next(p for p in found[rule] if p.key == key)
    assert problem.severity is severity
    assert words in problem.what
    assert problem.remedy.endswith(".")


@pytest.mark.parametrize("case", ROUTER_CASES)
def test_a_rule_about_a_router_with_a_gateway_fires_for_its_case(case: str) -> None:
    rule, severity, key, words, make = ROUTER_CASES[case]
    found = problems(make())
    assert found.keys() - ROUTED == {rule}
    assert (found[rule][0].severity, found[rule][0].key) == (severity, key)
    assert words in found[rule][0].what


def test_nothing_fires_without_reason() -> None:
    assert problems(world()).keys() == ALWAYS


#: Tested below, by name.
ELSEWHERE = {
    "volume-not-shareable",
    *("user-password", "server-new-id", "excluded-needed"),
    *("changed-on-both-sides", "changed-for-good", "changed-after-move", "gone-at-source"),  # test_changes.py
}
PLANNING = {  # in test_policy, test_accept, test_mapped and test_plan_capacity
    *("override-unused", "accept-unused", "quota", "temporary-quota", "hosts", "hosts-unknown"),
    "mapped-differs",
}
IDENTITY = {  # in test_identity_rules
    *("user-password-format", "user-without-password", "user-password-expired", "user-disabled"),
    *(
        "user-there-before",
        "application-credential",
        "trust",
        "implied-role-new",
        "project-disabled",
        "assignment-left",
    ),
}
IMAGES = {  # in test_image_rules
    *("image-skipped", "image-encrypted", "image-signed", "image-kernel-gone", "image-stores"),
    *("image-member-left", "image-foreign", "quota-unknown", "aggregate-lacking", "availability-zones"),
}


def test_every_rule_has_a_case() -> None:
    cases = (*CASES.values(), *ROUTER_CASES.values())
    assert {case[0] for case in cases} | ELSEWHERE | IDENTITY | PLANNING | IMAGES == RULES.keys()


def test_severities_are_those_of_the_table() -> None:
    assert {rule: severity for rule, severity, *_ in CASES.values()}.items() <= {
        rule.id: rule.severity for rule in RULES.values()
    }.items()


def test_a_shared_volume_needs_a_type_that_allows_it() -> None:
    (problem,) = problems(shared_volume(multiattach="<is> False"))["volume-not-shareable"]
    assert (problem.severity, problem.key) == (BLOCK, "volume:data")
    assert "which its type in the destination does not allow" in problem.what


# --- those about the migration as a whole ---------------------------------------------------------
def test_new_users_are_named_and_only_the_first_few() -> None:
    (problem,) = problems(world())["user-password"]
    assert (problem.severity, problem.key) == (NOTE, "")
    assert "1 user(s) get a password that nobody knows: ann" in problem.what
    many = [user(f"user-{n}") for n in range(7)]
    (problem,) = problems(source(*many), Selection("identity"))["user-password"]
    assert problem.what.startswith("8 user(s)")
    assert problem.what.endswith("user-3, ...")


def test_without_new_users_there_is_no_word_about_passwords() -> None:
    found = problems(world(None, replaced(new_cloud(), there(BY_KEY["user:ann"]))))
    assert "user-password" not in found


def test_new_ids_are_told_once_with_their_number() -> None:
    (problem,) = problems(source(server("web-2", "acme", "ann")))["server-new-id"]
    assert problem.what.startswith("2 server(s)")
    assert "server-new-id" not in problems(world(), Selection("image", ("cirros",)))


def test_excluded_and_needed_blocks() -> None:
    (problem,) = problems(world(), Selection("server", ("web-1",), exclude=("volume:data",)))[
        "excluded-needed"
    ]
    assert (problem.severity, problem.key) == (BLOCK, "volume:data")


def test_excluded_and_not_needed_is_no_problem() -> None:
    found = problems(world(), Selection("project", ("acme",), exclude=("volume:spare", "image:*")))
    assert found.keys() == ALWAYS


# --- when rules keep quiet ------------------------------------------------------------------------
@pytest.mark.parametrize("status", ["ACTIVE", "SHUTOFF", "PAUSED", "SUSPENDED"])
def test_states_that_can_be_brought_back_are_no_problem(status: str) -> None:
    assert "server-state" not in problems(seen("server:web-1", status=status))


def test_what_is_moved_already_is_not_looked_at() -> None:
    moved = there(BY_KEY["server:web-1"])
    broken = changed(BY_KEY["server:web-1"], observed={"status": "ERROR", "swap_mb": 1})
    found = world(
        replaced(acme(), broken), replaced(new_cloud(), moved), row("server:web-1", "done", "new-web-1")
    )
    assert not problems(found).keys() & {"server-state", "server-local-disks"}


def test_a_server_whose_cutover_began_may_be_busy_with_it() -> None:
    busy = replaced(acme(), changed(BY_KEY["server:web-1"], observed={"task_state": "image_uploading"}))
    began = row("server:web-1", "intended", status="ACTIVE")
    assert "server-state" not in problems(world(busy, None, began))


def test_a_volume_that_an_interrupted_run_uploads_is_no_problem() -> None:
    busy = replaced(acme(), changed(BY_KEY["volume:spare"], observed={"status": "uploading"}))
    assert "volume-state" not in problems(world(busy, None, row("volume:spare", "intended")))


def test_a_volume_is_attached_elsewhere_when_its_server_stays() -> None:
    found = problems(world(), Selection("volume", ("data",)))["volume-attached-elsewhere"]
    assert "is attached to server 'web-1', which is not moved" in found[0].what


def test_one_anti_affine_server_per_host_is_fine() -> None:
    assert "server-group-hosts" not in problems(crowd(2))


def test_anti_affine_servers_share_a_host_as_far_as_their_group_allows() -> None:
    assert "server-group-hosts" not in problems(crowd(1, max_server_per_host=2))
    assert "server-group-hosts" in problems(crowd(1, max_server_per_host=1))


def test_affine_servers_may_share_a_host() -> None:
    assert "server-group-hosts" not in problems(crowd(1, "affinity"))
    assert "server-group-hosts" not in problems(crowd(1, "soft-anti-affinity"))


def test_a_free_port_may_be_there_already() -> None:
    assert "port-in-use" not in problems(reused_port(""))


def test_an_address_of_a_second_subnet_is_inside() -> None:
    more = [
        subnet("v6", "new-public", "new-admin", "2001:db8::/64"),
        subnet("other", "new-public", "new-admin", "198.51.100.0/24"),
    ]
    assert "floating-ip-outside" not in problems(world(None, replaced(new_cloud(), *more)))


# --- owners ---------------------------------------------------------------------------------------
SPARE = BY_KEY["volume:spare"]


def owner(of: World, item: Item = SPARE) -> str:
    from worlds import plan

    return owner_is_kept(item, of.source, plan(of, ACME).steps, of.rows)


def test_the_owner_is_kept_when_pumphouse_makes_the_user() -> None:
    assert owner(world()) == ""


def test_the_owner_is_kept_when_pumphouse_made_the_user_and_nobody_else_has_it_yet() -> None:
    parts = replaced(new_cloud(), there(BY_KEY["user:ann"]))
    assert owner(world(None, parts, row("user:ann", "done", "new-ann"))) == ""
    handed = row("user:ann", "done", "new-ann", handed_over=True)
    assert "may have got a password in the destination" in owner(world(None, parts, handed))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (
            lambda: world(None, replaced(new_cloud(), there(BY_KEY["user:ann"]))),
            "was in the destination before",
        ),
        (lambda: source(user("ann", enabled=False)), "is disabled"),
        (lambda: world(without(acme(), "role_assignment:member/ann/acme")), "has no role"),
        (
            lambda: source(Item("role", "member", "reader", None, {"name": "reader", "description": ""})),
            "has no role",
        ),
    ],
)
def test_the_owner_is_not_kept_and_the_plan_says_why(make: Callable[[], World], words: str) -> None:
    assert words in owner(make())
    assert {p.key for p in problems(make())["server-owner"]} >= {"volume:spare", "server:web-1"}


def test_a_role_in_another_project_does_not_help() -> None:
    other = volume("theirs", "admin", "ann")
    assert "has no role" in owner(source(other), other)


def test_a_port_of_no_server_is_no_problem() -> None:
    assert problems(source(port("lonely", "lan", "acme"))).keys() == ALWAYS
