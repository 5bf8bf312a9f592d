"""`migrate identity`: a whole Keystone with nested projects and roles everywhere; and back out again."""

import pytest
import yaml
from clouds import changes, every, inventory

PASSWORD = "sc0pe-of-everything"
NEW_DOMAIN, NEW_TOP = "scope-company", "scope-holding"
POLICY = {
    "domains": {"scope-domain": NEW_DOMAIN},
    "projects": {"scope-top": NEW_TOP},
    "roles": {"scope_member": "member"},
}


def build(lab):
    identity = lab.connect("source").identity

    def put(path):
        identity.put(path).raise_for_status()

    domain = identity.create_domain(name="scope-domain", description="all of it").id
    top = identity.create_project(name="scope-top", domain_id=domain, tags=["big"]).id
    middle = identity.create_project(name="scope-middle", domain_id=domain, parent_id=top).id
    leaf = identity.post(
        "/projects",
        json={
            "project": {
                **{"name": "scope-leaf", "domain_id": domain, "parent_id": middle, "enabled": False},
                **{"options": {"immutable": True}, "owner": "nobody in particular"},
            }
        },
    ).json()["project"]["id"]
    user = identity.create_user(name="scope-boss", domain_id=domain, password=PASSWORD).id
    group = identity.create_group(name="scope-group", domain_id=domain).id
    put(f"/groups/{group}/users/{user}")
    own = identity.create_role(name="scope_role", domain_id=domain).id
    role = identity.create_role(name="scope_member").id
    reader = identity.find_role("reader", ignore_missing=False).id
    put(f"/roles/{own}/implies/{reader}")
    for who in (f"users/{user}", f"groups/{group}"):
        put(f"/domains/{domain}/{who}/roles/{role}")
        put(f"/OS-INHERIT/domains/{domain}/{who}/roles/{reader}/inherited_to_projects")
        put(f"/system/{who}/roles/{reader}")
        put(f"/projects/{middle}/{who}/roles/{own}")
        put(f"/OS-INHERIT/projects/{top}/{who}/roles/{role}/inherited_to_projects")
    _volume(lab, middle)
    for path, key in ((f"projects/{middle}", "project"), (f"domains/{domain}", "domain")):
        identity.patch(f"/{path}", json={key: {"enabled": False}}).raise_for_status()
    return leaf, middle, top, domain, own, role, user, group


def _volume(lab, project):
    """In a project that is about to be disabled."""
    admin = lab.connect("source")
    role = admin.identity.find_role("admin", ignore_missing=False).id
    path = f"/projects/{project}/users/{admin.current_user_id}/roles/{role}"
    admin.identity.put(path).raise_for_status()
    inside = lab.connect(
        "source", project_id=project, project_name=None, project_domain_name=None, project_domain_id=None
    )
    volume = inside.block_storage.create_volume(size=1, name="scope-volume", volume_type="fast")
    inside.block_storage.wait_for_status(volume, "available", interval=0.2)
    admin.identity.delete(path).raise_for_status()


def portrait(cloud, renamed):
    """What bears the name ``scope``, with names for ids."""
    identity = cloud.identity
    paths = {"domains": "/domains", "projects": "/projects", "users": "/users", "groups": "/groups"}
    rows = {kind: every(cloud, "identity", path, kind) for kind, path in paths.items()}
    domain = next(each["id"] for each in rows["domains"] if each["name"] in ("scope-domain", NEW_DOMAIN))
    rows["roles"] = every(cloud, "identity", "/roles", "roles")
    rows["own roles"] = every(cloud, "identity", f"/roles?domain_id={domain}", "roles")
    names = {each["id"]: renamed.get(each["name"], each["name"]) for kind in rows.values() for each in kind}
    seen = {
        f"{kind} {names[each['id']]}": {
            field: names.get(value, value) if isinstance(value, str) else value
            for field, value in each.items()
            if field not in ("id", "name", "links", "password_expires_at")
        }
        for kind, found in rows.items()
        for each in found
        if names[each["id"]].startswith("scope")
    }
    for each in every(cloud, "identity", "/role_assignments", "role_assignments"):
        who = names[(each.get("user") or each["group"])["id"]]
        if who.startswith("scope"):
            scope = each["scope"]
            at = "system" if "system" in scope else names[(scope.get("project") or scope["domain"])["id"]]
            below = " and below" if "OS-INHERIT:inherited_to" in scope else ""
            seen[f"{names[each['role']['id']]} for {who} on {at}{below}"] = True
    for each in identity.get("/role_inferences").json()["role_inferences"]:
        prior = names[each["prior_role"]["id"]]
        for implied in each["implies"] if prior.startswith("scope") else ():
            seen[f"{prior} implies {names[implied['id']]}"] = True
    return seen


@pytest.fixture(scope="module")
def config(lab):
    content = yaml.safe_load(lab.config.read_text())
    content.setdefault("policy", {}).update(POLICY)
    path = lab.home / "scopes.yaml"
    path.write_text(yaml.safe_dump(content))
    return ("--config", str(path))


@pytest.fixture(scope="module")
def before(lab):
    return inventory(lab.connect("destination"))


@pytest.fixture(scope="module")
def moved(lab, before, config):
    source = lab.connect("source")
    leaf, *projects, domain, own, role, user, group = build(lab)
    lab.run("migrate", "identity", "--yes", *config)
    yield source
    identity = source.identity
    identity.patch(f"/domains/{domain}", json={"domain": {"enabled": True}}).raise_for_status()
    identity.patch(f"/projects/{projects[0]}", json={"project": {"enabled": True}}).raise_for_status()
    identity.patch(f"/projects/{leaf}", json={"project": {"options": {"immutable": None}}}).raise_for_status()
    for volume in source.block_storage.volumes(all_projects=True, name="scope-volume"):
        source.block_storage.delete_volume(volume)
        source.block_storage.wait_for_delete(volume, interval=0.2)
    # On the lab's SQLite the rule would outlive its role, and fail Keystone's listing of all.
    reader = identity.find_role("reader", ignore_missing=False).id
    identity.delete(f"/roles/{own}/implies/{reader}").raise_for_status()
    for path in (*(f"projects/{each}" for each in (leaf, *projects)), f"roles/{own}", f"roles/{role}"):
        identity.delete(f"/{path}").raise_for_status()
    identity.patch(f"/domains/{domain}", json={"domain": {"enabled": False}}).raise_for_status()
    for path in (f"users/{user}", f"groups/{group}", f"domains/{domain}"):
        identity.delete(f"/{path}").raise_for_status()


def test_everything_of_keystone_arrives_equal(lab, moved):
    renamed = {old: new for names in POLICY.values() for old, new in names.items()}
    there = portrait(lab.connect("destination"), {NEW_TOP: NEW_TOP})
    assert portrait(moved, renamed) == there


def test_services_of_the_source_stay_there(lab, before, moved):
    found = changes(before, inventory(lab.connect("destination")))
    assert [line for line in found if line.startswith("user services") or "project service " in line] == []


def test_what_is_in_a_disabled_project_moves_too(lab, moved, config):
    lab.run("migrate", "project", "scope-middle", "--yes", *config)
    there = lab.connect("destination")
    (volume,) = there.block_storage.volumes(all_projects=True, name="scope-volume")
    project = there.identity.get_project(volume.project_id)
    assert (project.name, project.is_enabled) == ("scope-middle", False)
    assert not there.identity.get_domain(project.domain_id).is_enabled
    again = lab.run("migrate", "project", "scope-middle", "--yes", *config)
    assert "nothing to do" in again.stdout + again.stderr


def test_rollback_leaves_the_destination_as_it_was(lab, before, moved, config):
    lab.run("rollback", "project", "scope-middle", "--yes", *config)
    lab.run("rollback", "identity", "--yes", *config)
    assert changes(before, inventory(lab.connect("destination"))) == []
