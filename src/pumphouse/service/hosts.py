"""Hosts: what both clouds say of them and what their BMCs do, joined by name."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from pumphouse.errors import PumphouseError, Refused, UsageError
from pumphouse.facts import SERVICES, hypervisors
from pumphouse.hosts import Host, Hosts, load_hosts
from pumphouse.model import CheckResult, HostStatus, Result
from pumphouse.ports import Cloud
from pumphouse.service.session import Session

BMCS = 16  # asked at once


def hosts(session: Session) -> tuple[HostStatus, ...]:
    """Every host of both clouds and of inventory.yaml; those of the source first, by name."""
    known = machines(session)
    clouds = (session.adapters.source, session.adapters.destination)
    with ThreadPoolExecutor(BMCS) as pool:
        reads = [pool.submit(_of, cloud) for cloud in clouds]
        powered = dict(pool.map(lambda host: (host.name, _powered(session, host)), known.hosts))
        found = {status.name: status for read in reads for status in read.result()}
    for host in known.hosts:
        status = found.get(host.name, HostStatus(host.name))
        power = powered[host.name]
        found[host.name] = replace(status, macs=host.macs, power=power.power, fault=power.fault)
    return tuple(sorted(found.values(), key=lambda h: (h.cloud != "source", h.cloud == "", h.name)))


def host(session: Session, name: str) -> HostStatus:
    """One host.

    :raises UsageError: when nobody knows it; names those there are.
    """
    found = {status.name: status for status in hosts(session)}
    if name not in found:
        raise UsageError(f"no host named {name!r} in either cloud", f"Hosts: {', '.join(found) or 'none'}.")
    return found[name]


def machines(session: Session) -> Hosts:
    """The hosts of inventory.yaml; none when there is no such file."""
    return load_hosts(session.config.inventory) if session.config.inventory else Hosts(hosts=())


def check_bmcs(session: Session) -> Iterator[CheckResult]:
    """Whether every BMC answers and accepts its credentials."""
    try:
        known = machines(session)
    except PumphouseError as error:
        yield CheckResult("inventory.yaml", Result.FAIL, error.message, error.remedy)
        return
    with ThreadPoolExecutor(BMCS) as pool:
        yield from pool.map(lambda host: _check(session, host), known.hosts)


def check_networks(session: Session) -> Iterator[CheckResult]:
    """Whether the network of every machine could be changed; nothing when that is not configured."""
    if session.config.hosts.network is None:
        return
    try:
        network, known = session.adapters.network(), machines(session)
    except PumphouseError as error:
        yield CheckResult("hosts.network", Result.FAIL, error.message, error.remedy)
        return
    assert network is not None
    for host in known.hosts:
        name = f"network of {host.name}"
        try:
            network.check(host)
            yield CheckResult(name, Result.OK, "could be changed")
        except Refused as error:  # not needed of hosts that are never installed
            yield CheckResult(name, Result.WARN, error.message, error.remedy)
        except PumphouseError as error:
            yield CheckResult(name, Result.FAIL, error.message, error.remedy)


def check_engines(session: Session) -> Iterator[CheckResult]:
    """Whether the deployment engines answer, and the destination's has what it needs; nothing where there is none."""
    try:
        if engine := session.adapters.provisioner("destination"):
            for line in engine.check():
                yield replace(line, check=f"{engine.name}: {line.check}")
        if former := session.adapters.provisioner("source"):
            known = len(former.nodes())
            yield CheckResult(
                f"{former.name} of the source", Result.OK, f"answers; machines it knows: {known}"
            )
    except PumphouseError as error:
        yield CheckResult("deployment engine", Result.FAIL, error.message, error.remedy)


def _check(session: Session, host: Host) -> CheckResult:
    name = f"BMC of {host.name}"
    try:
        state = session.adapters.power(host).state()
    except PumphouseError as error:
        return CheckResult(name, Result.FAIL, error.message, error.remedy)
    return CheckResult(name, Result.OK, f"answers; the power is {state}")


def _powered(session: Session, host: Host) -> HostStatus:
    try:
        return HostStatus(host.name, power=session.adapters.power(host).state())
    except PumphouseError as error:
        return HostStatus(host.name, fault=error.message)


def _of(cloud: Cloud) -> list[HostStatus]:
    """The hypervisors of a cloud with their servers."""
    projects = {p["id"]: p["name"] for p in cloud.pages("identity", "/projects", "projects")}
    servers: dict[str, Counter[str]] = defaultdict(Counter)
    for body in cloud.pages("compute", "/servers/detail", "servers", all_tenants="1"):
        servers[body["OS-EXT-SRV-ATTR:host"] or ""][projects.get(body["tenant_id"], body["tenant_id"])] += 1
    services = cloud.get("compute", "/os-services", binary="nova-compute")["services"]
    reasons = {body["host"]: body.get("disabled_reason") or "" for body in services}
    return [
        HostStatus(
            hypervisor.name,
            cloud.role,
            hypervisor.state,
            hypervisor.status,
            reasons.get(hypervisor.host, ""),
            dict(sorted(servers[hypervisor.host].items())),
            hypervisor.vcpus,
            hypervisor.memory,
        )
        for hypervisor in hypervisors(cloud, SERVICES)
    ]
