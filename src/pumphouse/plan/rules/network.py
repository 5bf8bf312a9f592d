"""Rules about networks: what will differ, and what to know before."""

from pumphouse.kinds import KINDS
from pumphouse.model import Action
from pumphouse.network_resource import NetworkKind
from pumphouse.plan.rules.view import NOTE, WARN, Found, View, rule, said
from pumphouse.plan.select import answers_for

NETWORK_KINDS = tuple(name for name, kind in KINDS.items() if isinstance(kind, NetworkKind))


@rule("network-attribute", WARN)
def _attribute(view: View) -> Found:
    """An attribute of a network resource that the destination's Neutron does not know; it is left out."""
    for kind in NETWORK_KINDS:
        for item in view.to_do(kind):
            for field, why in item.observed.get("left_out", {}).items():
                yield (
                    item.key,
                    f"{said(item)} arrives without {field}: the destination {why}",
                    "Have it configured in the destination and plan again, or do without.",
                )


@rule("network-extension", WARN)
def _extension(view: View) -> Found:
    """A network resource of a kind that the destination's Neutron does not have; it is left out."""
    for step in view.steps:
        item = view.source.by_key(step.key)
        if step.action is Action.SKIP and item and item.observed.get("no_extension"):
            yield (
                step.key,
                f"{said(item)} is not made: {step.reason}",
                "Have the extension configured in the destination and plan again, or do without.",
            )


@rule("network-not-carried", WARN)
def _not_carried(view: View) -> Found:
    """A network resource with something that cannot be carried, such as several segments."""
    for name in NETWORK_KINDS:
        kind = KINDS[name]
        assert isinstance(kind, NetworkKind)
        for item in view.to_do(name):
            for field, (words, remedy) in kind.told.items():
                if item.observed.get(field):
                    yield item.key, f"{said(item)} {words}", remedy


@rule("router-address", WARN)
def _router_address(view: View) -> Found:
    """A router whose external address both clouds have from the first cutover on."""
    for item in view.to_do("router"):
        if item.fields.get("external_gateway_info"):
            yield (
                item.key,
                f"{said(item)} keeps its external address and is switched on by the first cutover",
                (
                    "If both clouds share that network, switch the source's router off when its last server has left."
                ),
            )


@rule("share-waits", WARN)
def _share_waits(view: View) -> Found:
    """A share with a project that is not in the destination; it is left out until that is."""
    for step in view.steps:
        item = view.source.by_key(step.key)
        if step.kind == "rbac_policy" and step.action is Action.SKIP and item:
            yield (
                step.key,
                f"{said(item)} is not shared yet: {step.reason}",
                "Migrate this selection again when that project has arrived.",
            )


@rule("network-mtu", WARN)
def _mtu(view: View) -> Found:
    """A network whose MTU is larger than any of its type in the destination."""
    for item in view.to_do("network"):
        known = [
            other.fields["mtu"]
            for other in view.destination.of("network")
            if other.fields.get("mtu")
            and other.fields.get("provider:network_type") == item.fields.get("provider:network_type")
        ]
        if known and (item.fields.get("mtu") or 0) > max(known):
            yield (
                item.key,
                f"{said(item)} has MTU {item.fields['mtu']}; no such network of the destination has more than "
                f"{max(known)}",
                "Raise the MTU of the destination's underlay, or lower it at the source, in the guests too; Neutron "
                "refuses what is too big.",
            )


@rule("forwarding-shared", NOTE)
def _forwarding_shared(view: View) -> Found:
    """A floating IP with port forwardings to several servers, which are not cut over in one moment."""
    for item in view.to_do("floating_ip"):
        ports = [view.source.get("port", port) for port in answers_for(item)]
        servers = {port.observed["device_id"] for port in ports if port and port.observed["device_id"]}
        if len(servers) > 1:
            yield (
                item.key,
                f"floating IP {item.name} forwards to {len(servers)} servers; it moves with the first of them",
                "Move these servers in one run, so that the others follow at once.",
            )
