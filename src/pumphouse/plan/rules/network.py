"""Rules about networks."""

import ipaddress

from pumphouse.plan.rules.view import BLOCK, WARN, Found, View, rule, said


@rule("rules-address-group", BLOCK)
def _address_group(view: View) -> Found:
    """Security group rules with address groups, which are not carried yet."""
    for item in view.to_do("security_group_rules"):
        if item.observed["address_groups"]:
            yield (
                item.key,
                f"security group {item.name!r} has rules with address groups, not carried yet",
                ("Write the addresses into the rules, or exclude the group and what uses it."),
            )


@rule("port-extras", WARN)
def _port_extras(view: View) -> Found:
    """Ports with a trunk or a QoS policy, which are not carried yet."""
    for item in view.to_do("port"):
        for name, words in (
            ("trunk_details", "is the parent of a trunk"),
            ("qos_policy_id", "has a QoS policy"),
        ):
            if item.observed.get(name):
                yield (
                    item.key,
                    f"{said(item)} {words}, which is not carried yet",
                    "Set it up in the destination.",
                )


@rule("router-address", WARN)
def _router_address(view: View) -> Found:
    """Routers whose external address both clouds have from the first cutover on."""
    for item in view.to_do("router"):
        if item.fields.get("external_gateway_info"):
            yield (
                item.key,
                f"{said(item)} keeps its external address and is switched on by the first cutover",
                (
                    "If both clouds share that network, switch the source's router off when its last server has left."
                ),
            )


@rule("floating-ip-outside", BLOCK)
def _outside(view: View) -> Found:
    """Floating IPs that are in no subnet of their network in the destination."""
    for item in view.to_do("floating_ip"):
        step = next((s for s in view.steps if s.key == f"network:{item.fields['floating_network_id']}"), None)
        if step is None or not step.destination_id:
            continue
        cidrs = [
            ipaddress.ip_network(s.fields["cidr"])
            for s in view.destination.of("subnet")
            if s.fields["network_id"] == step.destination_id
        ]
        address = ipaddress.ip_address(item.fields["floating_ip_address"])
        if not any(address in cidr for cidr in cidrs):
            yield (
                item.key,
                f"floating IP {address} is in no subnet of the destination's network {step.name!r}",
                ("Add a subnet that holds it to that network, or exclude the floating IP."),
            )


@rule("floating-ip-forwarding", WARN)
def _forwarding(view: View) -> Found:
    """Floating IPs with port forwardings, which are not carried yet."""
    for item in view.to_do("floating_ip"):
        if item.observed.get("port_forwardings"):
            yield (
                item.key,
                f"floating IP {item.name} has port forwardings, not carried yet",
                ("Set them up in the destination."),
            )
