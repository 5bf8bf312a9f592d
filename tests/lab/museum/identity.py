"""Identity: projects in projects, users with whatever is put on them, groups, roles, assignments, keys."""

import json
from typing import Any

from keystoneauth1.exceptions import Unauthorized
from openstack.exceptions import SDKException

from museum.hall import PROJECT, Hall

POLICY = {"roles": {"museum_old_member": "member"}, "domains": {"museum-old": "museum-new"}}
#: Names at the source → in the destination, as POLICY maps them; portraits speak of the destination's.
RENAMED = {name: there for names in POLICY.values() for name, there in names.items()}
USERS = {
    "museum-guide": {
        "email": "guide@museum.example",
        "description": "shows people round",
        "badge": {"number": 7, "colour": "blue"},
        "floor": "second",
        "options": {"lock_password": True, "ignore_lockout_failure_attempts": True},
    },
    "museum-guard": {
        "options": {"ignore_password_expiry": True, "multi_factor_auth_enabled": False},
        "shift": "night",
    },
    "museum-retired": {"enabled": False, "description": "left in spring"},
    "museum-visitor": {},
}
#: Of these older releases tell less.
TELLING = ("domains", "projects", "roles", "users", "groups")
PASSWORD = "exhibit-N0-{}"
ACCESS, SECRET = "museum-access-key", "museum-secret-key"


def build(hall: Hall) -> None:
    identity = hall.admin.identity
    domain = identity.create_domain(name="museum-old", description="where the old masters live")
    users = {
        name: identity.post(
            "/users",
            json={"user": {"name": name, "domain_id": "default", "password": PASSWORD.format(name), **more}},
        ).json()["user"]["id"]
        for name, more in USERS.items()
    }
    users["museum-master"] = identity.create_user(
        name="museum-master", domain_id=domain.id, password=PASSWORD.format("museum-master")
    ).id
    roles = _roles(identity, domain)
    groups = _groups(identity, users, domain)
    cellar = _projects(hall, domain)
    _assign(identity, hall, users, groups, roles, cellar)
    _keys(identity, hall, users)


def _roles(identity: Any, domain: Any) -> dict[str, str]:
    made = {
        name: identity.create_role(name=name, **more).id
        for name, more in {
            "museum_curator": {"description": "may change exhibits", "options": {"immutable": False}},
            "museum_old_member": {},
            "museum_cleaner": {},
            "museum_master": {"domain_id": "default"},
        }.items()
    }
    made["reader"] = identity.find_role("reader").id
    for prior, implied in (("museum_curator", "museum_cleaner"), ("museum_cleaner", "reader")):
        identity.put(f"/roles/{made[prior]}/implies/{made[implied]}").raise_for_status()
    return made


def _groups(identity: Any, users: dict[str, str], domain: Any) -> dict[str, str]:
    made = {
        "museum-staff": identity.create_group(
            name="museum-staff", domain_id="default", description="work here"
        ).id,
        "museum-masters": identity.create_group(name="museum-masters", domain_id=domain.id).id,
    }
    for group, user in (
        *(("museum-staff", "museum-guide"), ("museum-staff", "museum-guard")),
        ("museum-masters", "museum-master"),
    ):
        identity.put(f"/groups/{made[group]}/users/{users[user]}").raise_for_status()
    return made


def _projects(hall: Hall, domain: Any) -> str:
    """Options and tags of the museum itself, and a project of the old masters beside it."""
    identity = hall.admin.identity
    identity.put(f"/projects/{hall.project}/tags", json={"tags": ["old", "art"]}).raise_for_status()
    change = {"project": {"cost_centre": "4711"}}
    identity.patch(f"/projects/{hall.project}", json=change).raise_for_status()
    return domain.id


def _assign(
    identity: Any,
    hall: Hall,
    users: dict[str, str],
    groups: dict[str, str],
    roles: dict[str, str],
    domain: str,
) -> None:
    here = f"projects/{hall.project}"
    for path in (
        f"{here}/groups/{groups['museum-staff']}/roles/{roles['museum_curator']}",
        f"{here}/groups/{groups['museum-masters']}/roles/{roles['museum_old_member']}",
        f"{here}/users/{users['museum-visitor']}/roles/{roles['museum_old_member']}",
        f"{here}/users/{users['museum-retired']}/roles/{roles['museum_cleaner']}",
        f"{here}/users/{users['museum-retired']}/roles/{roles['museum_master']}",
        f"{here}/users/{users['museum-guide']}/roles/{roles['museum_old_member']}",
        f"OS-INHERIT/{here}/users/{users['museum-guard']}/roles/{roles['reader']}/inherited_to_projects",
        f"OS-INHERIT/{here}/groups/{groups['museum-staff']}/roles/{roles['reader']}/inherited_to_projects",
    ):
        identity.put(f"/{path}").raise_for_status()


def _keys(identity: Any, hall: Hall, users: dict[str, str]) -> None:
    blob = json.dumps({"access": ACCESS, "secret": SECRET})
    for body in (
        {"type": "ec2", "blob": blob, "project_id": hall.project},
        {"type": "totp", "blob": "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"},
    ):
        body["user_id"] = users["museum-guide"]
        identity.post("/credentials", json={"credential": body}).raise_for_status()
    tenant = hall.lab.connect(
        "source",
        username="museum-guide",
        password=PASSWORD.format("museum-guide"),
        project_name=PROJECT,
    )
    tenant.identity.create_application_credential(
        users["museum-guide"],
        "museum-audio",
        secret="audio-5ecret",
        description="plays in every hall",
        expires_at="2099-01-01T00:00:00",
        access_rules=[{"service": "compute", "method": "GET", "path": "/v2.1/servers"}],
    )


def portrait(hall: Hall, side: str) -> dict[str, Any]:
    """Whatever listings say, but for what is new since the source's release."""
    identity = hall.look(side).identity
    new = {key: _new(hall, key) for key in TELLING}

    def listed(path: str, key: str) -> list[dict[str, Any]]:
        answer = identity.get(path)
        answer.raise_for_status()
        return [_without(each, new.get(key, set())) for each in answer.json()[key]]

    kinds = {"domains": listed("/domains", "domains"), "projects": listed("/projects", "projects")}
    domains = {each["id"]: each["name"] for each in kinds["domains"]}
    roles = listed("/roles", "roles")
    for domain in domains:
        roles += listed(f"/roles?domain_id={domain}", "roles")
    kinds |= {
        "roles": roles,
        "users": listed("/users", "users"),
        "groups": listed("/groups", "groups"),
    }
    names = {each["id"]: RENAMED.get(each["name"], each["name"]) for rows in kinds.values() for each in rows}
    seen: dict[str, Any] = {
        kind: {names[each["id"]]: _named(each, names) for each in rows if _ours(names[each["id"]])}
        for kind, rows in kinds.items()
    }
    seen["members"] = {
        group["name"]: sorted(names[each["id"]] for each in listed(f"/groups/{group['id']}/users", "users"))
        for group in kinds["groups"]
        if _ours(group["name"])
    }
    seen["assignments"] = _assignments(listed("/role_assignments", "role_assignments"), names)
    inferences = identity.get("/role_inferences").json()["role_inferences"]
    seen["implied"] = {
        names[each["prior_role"]["id"]]: sorted(names[implied["id"]] for implied in each["implies"])
        for each in inferences
        if _ours(each["prior_role"]["name"])
    }
    seen |= _held(kinds["users"], listed, names)
    seen["let in"] = {name: _let_in(hall, side, name) for name in USERS}
    return seen


def _let_in(hall: Hall, side: str, user: str) -> bool:
    """Whether a user gets into the museum with the password of old."""
    known = {"username": user, "password": PASSWORD.format(user), "project_name": PROJECT}
    try:
        return bool(hall.lab.connect(side, **known).authorize())
    except (Unauthorized, SDKException):
        return False


def _held(users: list[dict[str, Any]], listed: Any, names: dict[str, str]) -> dict[str, Any]:
    """Keys of the museum's people."""
    credentials = [each for each in listed("/credentials", "credentials") if _ours(names[each["user_id"]])]
    application = [
        {"user": user["name"], **each}
        for user in users
        if _ours(user["name"])
        for each in listed(f"/users/{user['id']}/application_credentials", "application_credentials")
    ]
    for each in application:
        each["roles"] = sorted(names[role["id"]] for role in each["roles"])
        each["access_rules"] = [
            {name: value for name, value in rule.items() if name != "id"} for rule in each["access_rules"]
        ]
    return {
        "credentials": {
            f"{names[each['user_id']]} {each['type']}": [
                each["blob"],
                names.get(each["project_id"], each["project_id"]),
            ]
            for each in credentials
        },
        "application credentials": {
            each["name"]: {
                name: names.get(value, value) if isinstance(value, str) else value
                for name, value in each.items()
            }
            for each in application
        },
    }


def _ours(name: str) -> bool:
    return "museum" in name


def _new(hall: Hall, key: str) -> set[str]:
    """What the destination's Keystone tells of every domain, project and so on, and the source's of none."""
    here, there = (
        [set(body) for body in hall.look(side).identity.get(f"/{key}").json()[key]]
        for side in ("source", "destination")
    )
    return set[str]().union(*there[:1]).intersection(*there) - set[str]().union(*here)


def _without(body: dict[str, Any], new: set[str]) -> dict[str, Any]:
    """Without what says where it is; Zed keeps the id that a domain was to get beside the one it got."""
    own = {"links", "password_expires_at", "explicit_domain_id", *new}
    return {name: value for name, value in body.items() if name not in own}


def _named(body: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    """Without its own id; with names for those of others."""
    return {
        name: names.get(value, value) if isinstance(value, str) else value
        for name, value in body.items()
        if name not in ("id", "name")
    }


def _assignments(rows: list[dict[str, Any]], names: dict[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for each in rows:
        scope = each["scope"]
        project = scope.get("project", {}).get("id")
        who = each.get("user") or each["group"]
        if names.get(project) == PROJECT:
            kind = "group" if "group" in each else "user"
            inherited = " below" if "OS-INHERIT:inherited_to" in scope else ""
            found[f"{names[each['role']['id']]} {kind} {names[who['id']]}{inherited}"] = True
    return found
