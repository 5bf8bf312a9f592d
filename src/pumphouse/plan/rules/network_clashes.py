"""Rules about what is in the way in the destination's networks: segments, addresses, defaults."""

import ipaddress
from collections.abc import Iterable, Iterator

from pumphouse.kinds.router import FURTHER
from pumphouse.model import Item
from pumphouse.plan.rules.view import BLOCK, WARN, Found, View, rule, said

PHYSICAL = "provider:physical_network"
SEGMENT = "provider:segmentation_id"
OTHER_ADDRESS = (
    "Free it in the destination, or exclude the resource: what has it there is not Pumphouse's to move."
)


def _physical(view: View, item: Item) -> str:
    """The physical network that a network will be on."""
    name = str(item.fields.get(PHYSICAL) or "")
    return view.policy.physical_networks.get(name, name)


@rule("segment-taken", BLOCK)
def _segment(view: View) -> Found:
    """A VLAN or flat network whose segment another network of the destination has."""
    for item in view.to_do("network"):
        physical = _physical(view, item)
        for other in view.destination.of("network") if physical and not view.made(item) else ():
            same = all(
                other.fields.get(name) == item.fields.get(name) for name in (SEGMENT, "provider:network_type")
            )
            if same and other.fields.get(PHYSICAL) == physical:
                segment = item.fields.get(SEGMENT)
                where = f"VLAN {segment} of {physical!r}" if segment else f"physical network {physical!r}"
                yield (
                    item.key,
                    f"{said(item)} needs {where}, which network {other.name!r} ({other.id}) of the destination has",
                    "Map its physical network to another (policy.physical_networks), or remove the other network.",
                )


@rule("physical-network-missing", BLOCK)
def _physical_missing(view: View) -> Found:
    """A VLAN or flat network on a physical network that no agent of the destination is connected to."""
    there = view.destination.network
    for item in view.to_do("network"):
        physical = _physical(view, item)
        if physical and there and there.physical_networks and physical not in there.physical_networks:
            known = ", ".join(sorted(there.physical_networks))
            yield (
                item.key,
                f"{said(item)} is on physical network {physical!r}; the destination's agents know {known}",
                "Map it to one of these (policy.physical_networks).",
            )


@rule("physical-network-unseen", WARN)
def _physical_unseen(view: View) -> Found:
    """A VLAN or flat network on a physical network that no network of the destination is on."""
    there = view.destination.network
    seen = {o.fields[PHYSICAL] for o in view.destination.of("network") if o.fields.get(PHYSICAL)}
    for item in view.to_do("network"):
        physical = _physical(view, item)
        if physical and there and not there.physical_networks and physical not in seen:
            yield (
                item.key,
                f"{said(item)} is on physical network {physical!r}, which no network of the destination is on",
                "Check the name with who configures the destination; policy.physical_networks maps it.",
            )


# --- addresses ----------------------------------------------------------------------------------
def _in_use(view: View, network: str) -> tuple[Item | None, dict[str, str]]:
    """The counterpart of a network that is there already, and what has which address in it."""
    step = next((s for s in view.steps if s.key == f"network:{network}"), None)
    there = view.destination.get("network", step.destination_id) if step else None
    facts = view.destination.network
    return there, dict(facts.in_use.get(there.id, {})) if there and facts else {}


def _taken(view: View, item: Item, pairs: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str, str]]:
    """Those of the addresses (network, address) that something in the destination has."""
    for network, address in pairs if not view.made(item) else ():
        there, used = _in_use(view, network)
        if there and address in used:
            yield (
                item.key,
                f"{said(item)} needs {address} in network {there.name!r}; {used[address]} of the destination has it",
                OTHER_ADDRESS,
            )


def _gateways(item: Item) -> Iterator[tuple[str, str]]:
    """Network and address of every external address of a router."""
    first = item.fields.get("external_gateway_info")
    for gateway in (*([first] if first else ()), *item.fields.get(FURTHER, ())):
        for ip in gateway.get("external_fixed_ips") or ():
            yield gateway["network_id"], ip["ip_address"]


@rule("address-taken", BLOCK)
def _address(view: View) -> Found:
    """A port or interface of a router whose address is taken in a network that the destination has already."""
    for item in view.to_do("port"):
        yield from _taken(
            view, item, ((item.fields["network_id"], ip["ip_address"]) for ip in item.fields["fixed_ips"])
        )
    for item in view.to_do("router_interfaces"):
        yield from _taken(view, item, ((i["network_id"], i["ip_address"]) for i in item.fields["interfaces"]))


@rule("floating-ip-taken", BLOCK)
def _floating_taken(view: View) -> Found:
    """A floating IP whose address is taken in the destination's external network."""
    for item in view.to_do("floating_ip"):
        yield from _taken(
            view, item, [(item.fields["floating_network_id"], item.fields["floating_ip_address"])]
        )


@rule("gateway-taken", BLOCK)
def _gateway_taken(view: View) -> Found:
    """A router whose external address is taken in the destination's external network."""
    for item in view.to_do("router"):
        yield from _taken(view, item, _gateways(item))


@rule("mac-taken", BLOCK)
def _mac(view: View) -> Found:
    """A port whose MAC address is taken in a network that the destination has already."""
    for item in view.to_do("port"):
        yield from _taken(view, item, [(item.fields["network_id"], item.fields["mac_address"])])


def _outside(view: View, item: Item, network: str, address: str, what: str) -> Iterator[tuple[str, str, str]]:
    there, _ = _in_use(view, network)
    subnets = [s for s in view.destination.of("subnet") if there and s.fields["network_id"] == there.id]
    parsed = ipaddress.ip_address(address)
    if there and not any(parsed in ipaddress.ip_network(s.fields["cidr"]) for s in subnets):
        yield (
            item.key,
            f"{what} {address} is in no subnet of the destination's network {there.name!r}",
            "Add a subnet that holds it to that network, or exclude the resource.",
        )


@rule("floating-ip-outside", BLOCK)
def _floating_outside(view: View) -> Found:
    """A floating IP that no subnet of the destination's external network holds."""
    for item in view.to_do("floating_ip"):
        address = item.fields["floating_ip_address"]
        yield from _outside(view, item, item.fields["floating_network_id"], address, "floating IP")


@rule("gateway-outside", BLOCK)
def _gateway_outside(view: View) -> Found:
    """A router whose external address no subnet of the destination's external network holds."""
    for item in view.to_do("router"):
        for network, address in _gateways(item):
            yield from _outside(view, item, network, address, f"{said(item)}: its external address")


# --- defaults -----------------------------------------------------------------------------------
@rule("default-pool-taken", BLOCK)
def _default_pool(view: View) -> Found:
    """A default subnet pool, where the destination has another; Neutron has one for each IP version."""
    for item in view.to_do("subnet_pool"):
        for other in view.destination.of("subnet_pool") if not view.made(item) else ():
            same = other.observed.get("ip_version") == item.observed.get("ip_version")
            if item.fields.get("is_default") and other.fields.get("is_default") and same:
                yield (
                    item.key,
                    f"{said(item)} is the default; the destination's default is {other.name!r} ({other.id})",
                    "Take the default away from one of them, or exclude it.",
                )
