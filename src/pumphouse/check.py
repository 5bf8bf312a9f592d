"""Can a migration begin? One line for each question, as it is answered; reads only."""

import os
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import sqlalchemy

from pumphouse import database
from pumphouse.config import CloudConfig, Config
from pumphouse.errors import CloudError, ConfigError, Forbidden, Missing, PumphouseError, Unreachable
from pumphouse.facts import SERVICES, newest, number, release
from pumphouse.model import CheckResult, Result
from pumphouse.ports import Cloud, IdentityTables

Connect = Callable[[], Cloud]

# The lowest "highest microversion" that Pumphouse works with, and why.
NEEDED: Mapping[tuple[str, str], tuple[str, str]] = {
    ("source", "compute"): ("2.10", "to read the keypairs of all users"),
    ("destination", "compute"): ("2.52", "to create servers with their tags"),
    ("source", "block-storage"): ("3.0", "for its API"),
    ("destination", "block-storage"): ("3.0", "for its API"),
}

# Answered to administrators only, small, and changing nothing. Lists of volumes and of images would prove
# nothing: Cinder ignores `all_tenants`, and Glance shows less, when the caller is no administrator.
ADMIN_READS: Mapping[str, tuple[tuple[str, dict[str, Any]], ...]] = {
    "identity": (
        ("/projects", {"name": "admin"}),
        ("/users", {"name": "admin"}),
        ("/role_assignments", {"role.id": "none"}),
    ),
    "compute": (("/servers", {"all_tenants": 1, "limit": 1}), ("/os-services", {})),
    "image": (("/tasks", {"limit": 1}),),
    "network": (("/quotas", {}),),
    "block-storage": (("/os-services", {}),),
}

NO_PASSWORDS = "none named: passwords are not carried"
SKEW_WARN, SKEW_FAIL = 30, 300  # seconds


class Answer(NamedTuple):
    """A line of the check without its name."""

    result: Result
    detail: str
    remedy: str = ""


Question = Callable[[], Answer]
ok = partial(Answer, Result.OK)
warn = partial(Answer, Result.WARN)
fail = partial(Answer, Result.FAIL)


def check(
    source: Connect,
    destination: Connect,
    config: Config,
    tables: IdentityTables,
    now: Callable[[], float] = time.time,
) -> Iterator[CheckResult]:
    """Every question, in order; a cloud that cannot be asked fails its lines instead of raising.

    :param source: connects to the source; called once.
    :param destination: connects to the destination; called once.
    :param tables: those of the Keystones whose database the configuration names.
    """
    yield _line("configuration", partial(ok, "valid"))
    yield _line("ledger", partial(_ledger, config.ledger))
    yield _line("log directory", partial(_writable, config.log_dir))
    clouds: dict[str, Cloud] = {}
    for role, connect in (("source", source), ("destination", destination)):
        yield _line(role, partial(_reach, role, connect, clouds))
    if len(clouds) == 2:
        yield _line("two clouds", partial(_two_clouds, clouds["source"], clouds["destination"], config))
    for cloud in clouds.values():
        yield from _cloud(cloud, config, now)
    for role in ("source", "destination"):
        settings: CloudConfig = getattr(config, role)
        if settings.identity:
            yield _line(f"{role} identity database", partial(_identity, role, tables))
        else:
            yield _line(f"{role} identity database", partial(ok, NO_PASSWORDS))


def same_cloud(source: Cloud, destination: Cloud, config: Config) -> str:
    """An endpoint that both clouds have, which makes them one; empty when they are two.

    Ids of users and projects prove nothing: LDAP and copies of a Keystone database repeat them.
    """
    addresses = []
    for cloud, settings in ((source, config.source), (destination, config.destination)):
        interface = settings.interface or "public"
        addresses.append({e.url.rstrip("/").lower() for e in cloud.catalog() if e.interface == interface})
    return min(addresses[0] & addresses[1], default="")


def _line(name: str, ask: Question) -> CheckResult:
    """The answer, or a failure when the cloud does not give one."""
    try:
        answer = ask()
    except CloudError as error:
        answer = fail(str(error), error.remedy or "Read the log of the service.")
    except (LookupError, TypeError, ValueError, AttributeError):
        answer = fail("the answer is not that of an OpenStack service", "Check the endpoint in the catalog.")
    return CheckResult(name, *answer)


# --- both clouds --------------------------------------------------------------------------------
def _reach(role: str, connect: Connect, clouds: dict[str, Cloud]) -> Answer:
    """Log in, and add the cloud to those reached."""
    try:
        cloud = connect()
        project = cloud.project_id  # connecting alone sends nothing
    except Unreachable as error:
        return fail(f"unreachable: {error}", error.remedy or "Check the address and the network.")
    except PumphouseError as error:
        return fail(
            str(error), error.remedy or f"Check address and credentials of '{role}' in the configuration."
        )
    clouds[role] = cloud
    return ok(f"reached; credentials accepted in project {project}")


def _two_clouds(source: Cloud, destination: Cloud, config: Config) -> Answer:
    shared = same_cloud(source, destination, config)
    if shared:
        return fail(
            f"source and destination are the same cloud: both have {shared}",
            "Name two clouds as 'source' and 'destination'; regions that share a Keystone are one cloud.",
        )
    return ok("source and destination share no endpoint")


# --- each cloud ---------------------------------------------------------------------------------
def _cloud(cloud: Cloud, config: Config, now: Callable[[], float]) -> Iterator[CheckResult]:
    reached = yield from _services(cloud)
    for service in ADMIN_READS:
        if service in reached:
            yield _line(f"{cloud.role} admin on {service}", partial(_admin, cloud, service))
    yield _line(f"{cloud.role} clock", partial(_clock, cloud, now))
    if "block-storage" in reached:
        name = f"{cloud.role} quota for temporaries"
        yield _line(name, partial(_quota, cloud, config.policy.concurrency))
    mapped = set(config.policy.volume_types.values())
    if "block-storage" in reached and cloud.role == "destination" and mapped:
        yield _line("destination volume types", partial(_volume_types, cloud, mapped))


def _services(cloud: Cloud) -> Generator[CheckResult, None, set[str]]:
    """One line for each service; returns those that can be asked."""
    reached = set()
    for service in SERVICES:
        line = _line(f"{cloud.role} {service}", partial(_service, cloud, service))
        if line.result is Result.OK:
            reached.add(service)
        yield line
    return reached


def _service(cloud: Cloud, service: str) -> Answer:
    try:
        found = newest(cloud.versions(service))
    except Missing as error:
        if service == "placement":
            return warn(str(error), "Without Placement nobody knows the room on the hypervisors.")
        return fail(str(error), "Check 'region_name' and 'interface', or add it to the catalog.")
    if found is None:
        return fail("offers no version of its API", "Check the endpoint in the catalog.")
    guess = release(service, found.maximum)
    detail = f"{found.id}, up to microversion {found.maximum}" if found.maximum else found.id
    detail += f", release {guess}" if guess else ""
    least, why = NEEDED.get((cloud.role, service), ("", ""))
    if number(found.maximum) < number(least):
        return fail(f"{detail}; {least} is needed {why}", f"Upgrade {service} of the {cloud.role}.")
    return ok(detail)


def _admin(cloud: Cloud, service: str) -> Answer:
    for path, query in ADMIN_READS[service]:
        try:
            cloud.get(service, path, **query)
        except Forbidden:
            remedy = f"openstack role add --user {cloud.user_id} --project {cloud.project_id} admin"
            return fail(f"GET {path} is refused: the user is not an administrator", remedy)
        except Missing:
            return warn(
                f"not proven: there is no {path}", "Nothing, when the other services accept the user."
            )
    return ok("proven")


def _clock(cloud: Cloud, now: Callable[[], float]) -> Answer:
    theirs = cloud.date("identity")
    if theirs is None:
        return warn("the identity service does not tell its time", "Compare the clocks by hand.")
    skew = abs(theirs - now())
    detail = f"{skew:.0f} s from this machine's"
    remedy = "Synchronise the clocks (NTP): tokens expire early, and times in the report are wrong."
    if skew > SKEW_FAIL:
        return fail(detail, remedy)
    return warn(detail, remedy) if skew > SKEW_WARN else ok(detail)


# --- room for temporary volumes and snapshots ---------------------------------------------------
def _quota(cloud: Cloud, concurrency: int) -> Answer:
    """Each server moved at once may need a temporary volume and a snapshot in the admin's project."""
    project = cloud.project_id
    quota = cloud.get("block-storage", f"/os-quota-sets/{project}", usage="true")["quota_set"]
    needed = {"volumes": concurrency, "snapshots": concurrency, "gigabytes": 1}
    free = {name: _free(quota[name]) for name in needed}
    detail = "free: " + ", ".join(f"{n} {'unlimited' if v is None else v}" for n, v in free.items())
    short = [name for name, v in free.items() if v is not None and v < needed[name]]
    if not short:
        return ok(detail)
    raised = " ".join(f"--{name} {_used(quota[name]) + needed[name]}" for name in short)
    return warn(
        f"{detail}; moving {concurrency} servers at once may need as many volumes and snapshots",
        f"openstack quota set {raised} {project} (at the {cloud.role}), or lower policy.concurrency.",
    )


def _used(quota: Mapping[str, int]) -> int:
    return quota["in_use"] + quota["reserved"]


def _free(quota: Mapping[str, int]) -> int | None:
    return None if quota["limit"] < 0 else max(0, quota["limit"] - _used(quota))


def _volume_types(cloud: Cloud, wanted: set[str]) -> Answer:
    """Types that policy.volume_types maps to; private types count too."""
    found = {t["name"] for t in cloud.pages("block-storage", "/types", "volume_types", is_public="None")}
    missing = ", ".join(sorted(wanted - found))
    if missing:
        return fail(f"there is no volume type {missing}", "Create it, or correct policy.volume_types.")
    return ok(f"there are {', '.join(sorted(wanted))}")


# --- files and databases ------------------------------------------------------------------------
def _ledger(address: str) -> Answer:
    return _database(address) if "://" in address else _writable(Path(address))


def _writable(path: Path) -> Answer:
    """Whether a file or directory can be written, or made where its nearest existing parent is."""
    existing = path
    while not existing.exists() and existing != existing.parent:
        existing = existing.parent
    if existing != path and not existing.is_dir():
        return fail(f"{path}: {existing} is not a directory", "Choose another place in the configuration.")
    if not os.access(existing, os.W_OK):
        return fail(f"{path} cannot be written", f"Give yourself the right to write {existing}.")
    return ok(str(path))


def _database(address: str) -> Answer:
    """Whether a database answers; its password is never shown."""
    try:
        url = database.parse(address)
        path = database.file(url)
        if path and not path.is_file():  # made when it is first needed
            return _writable(path)
        with database.open_existing(url).connect():
            return ok(f"{database.shown(url)} answers")
    except ConfigError as error:
        return fail(error.message, error.remedy)
    except sqlalchemy.exc.SQLAlchemyError as error:
        shown = f"{database.shown(url)}: {database.reason(error, url)}"
        return fail(shown, "Check host, user, password and the network.")


def _identity(role: str, tables: IdentityTables) -> Answer:
    """Whether passwords can be read at the source, and written at the destination."""
    try:
        where = tables.prove(role)
    except PumphouseError as error:
        return fail(error.message, error.remedy)
    return ok(f"{where} is Keystone's" + (", and can be written" if role == "destination" else ""))
