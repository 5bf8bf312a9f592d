"""People log in to the destination with the password they have at the source."""

import sqlite3
import subprocess
import time

import pytest
import yaml
from clouds import changes, inventory, traces
from keystoneauth1.exceptions import Unauthorized
from keystoneauth1.identity.v3 import ApplicationCredential
from keystoneauth1.session import Session
from killing import Point
from openstack.exceptions import SDKException

from pumphouse.lab.environments import ensure_environment
from pumphouse.lab.releases import find_release

PROJECT = "pass-words"
PASSWORD = "of-{}-at-the-s0urce"
#: Whom the source keeps in which way; the last one the destination's Keystone cannot check.
FORMATS = {
    "pass-bcrypt": "bcrypt",
    "pass-scrypt": "scrypt",
    "pass-pbkdf2": "pbkdf2_sha512",
    "pass-sha512": "sha512_crypt",
}
ROBOT_SECRET = "of-a-r0bot"
HASHER = """
import sys, passlib.hash
for name, password in zip(sys.argv[1::2], sys.argv[2::2]):
    print(getattr(passlib.hash, name).using(**({"rounds": 4} if name in ("bcrypt", "scrypt") else {})).hash(password))
"""
MICROSECOND = 1_000_000


class People:
    """A project with people, whose passwords are kept in all ways there are."""

    def __init__(self, lab):
        self.lab = lab
        identity = lab.connect("source").identity
        self.project = identity.create_project(name=PROJECT, domain_id="default")
        self.member = identity.find_role("member", ignore_missing=False)
        self.group = identity.create_group(name="pass-group", domain_id="default")
        identity.assign_project_role_to_group(self.project, self.group, self.member)
        self.ids = {}
        for name in (*FORMATS, "pass-expired", "pass-exempt", "pass-locked", "pass-group-only"):
            options = {"ignore_password_expiry": True} if name == "pass-exempt" else {}
            body = {
                "name": name,
                "domain_id": "default",
                "password": PASSWORD.format(name),
                "options": options,
            }
            answer = identity.post("/users", json={"user": body})
            answer.raise_for_status()
            self.ids[name] = answer.json()["user"]["id"]
            if name == "pass-group-only":
                identity.add_user_to_group(self.ids[name], self.group)
            else:
                identity.assign_project_role_to_user(self.project, self.ids[name], self.member)
        tenant = lab.connect(
            "source",
            username="pass-scrypt",
            password=PASSWORD.format("pass-scrypt"),
            project_name=PROJECT,
        )
        self.robot = tenant.identity.create_application_credential(
            self.ids["pass-scrypt"], "pass-robot", secret=ROBOT_SECRET
        )
        self._rewrite()

    def _rewrite(self):
        """Other formats, and times in the past, as the years leave them in a Keystone."""
        python = ensure_environment(find_release("zed"), print) / "bin" / "python"
        words = [word for name, kind in FORMATS.items() for word in (kind, PASSWORD.format(name))]
        made = subprocess.run([str(python), "-c", HASHER, *words], check=True, capture_output=True, text=True)
        for name, hashed in zip(FORMATS, made.stdout.split(), strict=True):
            self.change("source", name, password_hash=hashed)
        past = int((time.time() - 3600) * MICROSECOND)
        for name in ("pass-expired", "pass-exempt"):
            self.change("source", name, expires_at_int=past)

    def change(self, side, name, **values):
        """Change a user's newest password in the tables of one Keystone."""
        names = ", ".join(f"{column} = ?" for column in values)
        with sqlite3.connect(self.lab.home / side / "db" / "keystone.sqlite", timeout=30) as connection:
            connection.execute(
                f"UPDATE password SET {names} WHERE id = (SELECT max(password.id) FROM password JOIN local_user "
                "ON local_user.id = local_user_id WHERE local_user.name = ?)",
                (*values.values(), name),
            )
        connection.close()

    def row(self, side, name):
        with sqlite3.connect(self.lab.home / side / "db" / "keystone.sqlite", timeout=30) as connection:
            connection.row_factory = sqlite3.Row
            rows = connection.execute(
                "SELECT password.* FROM password JOIN local_user ON local_user.id = local_user_id "
                "WHERE local_user.name = ? ORDER BY created_at_int",
                (name,),
            ).fetchall()
        connection.close()
        kept = ("password_hash", "created_at_int", "expires_at_int", "self_service")
        return [tuple(row[column] for column in kept) for row in rows]

    def log_in(self, name, side="destination", password=None):
        """Whether a user gets into the project."""
        secret = password or PASSWORD.format(name)
        tenant = self.lab.connect(side, username=name, password=secret, project_name=PROJECT)
        try:
            return bool(tenant.authorize())
        except (Unauthorized, SDKException):
            return False


@pytest.fixture(scope="module")
def people(lab):
    """At the end both clouds are as they were."""
    before = inventory(lab.connect("destination"))
    made = People(lab)
    yield made
    lab.run("rollback", "project", PROJECT, "--yes")
    assert changes(before, inventory(lab.connect("destination"))) == []
    source = lab.connect("source")
    for volume in source.block_storage.volumes(all_projects=True, name="pass-volume"):
        source.block_storage.delete_volume(volume)
        source.block_storage.wait_for_delete(volume, interval=0.2)
    for user in made.ids.values():
        source.identity.delete_user(user)
    source.identity.delete_group(made.group)
    source.identity.delete_project(made.project)


@pytest.fixture(scope="module")
def plan(lab, people):
    return lab.run("plan", "project", PROJECT).stdout


@pytest.fixture(scope="module")
def moved(lab, people, plan):
    lab.run("migrate", "project", PROJECT, "--yes")
    return people


@pytest.mark.parametrize("name", ["pass-bcrypt", "pass-scrypt", "pass-pbkdf2"])
def test_old_passwords_open_the_new_cloud(moved, name):
    assert moved.log_in(name, "source")
    assert moved.log_in(name)
    assert not moved.log_in(name, password="something else")


def test_who_has_its_role_from_a_group_gets_in(moved):
    assert moved.log_in("pass-group-only")


def test_programs_get_in_with_the_application_credential_they_have(lab, moved):
    auth = {"application_credential_id": moved.robot.id, "application_credential_secret": ROBOT_SECRET}
    for side in ("source", "destination"):
        entry = lab.connect(side).auth["auth_url"]
        session = Session(auth=ApplicationCredential(entry, **auth))
        assert session.get_token()
        assert session.get_user_id() == lab.connect(side).identity.find_user("pass-scrypt").id
    with pytest.raises(Unauthorized):
        Session(
            auth=ApplicationCredential(entry, **{**auth, "application_credential_secret": "no"})
        ).get_token()


@pytest.mark.parametrize("name", ["pass-bcrypt", "pass-expired", "pass-exempt"])
def test_age_and_expiry_are_kept(moved, name):
    assert moved.row("destination", name) == moved.row("source", name)


def test_an_expired_password_stays_expired_and_an_exempt_one_works(moved):
    assert not moved.log_in("pass-expired", "source")
    assert not moved.log_in("pass-expired")
    assert moved.log_in("pass-exempt")


def test_a_format_that_the_destination_cannot_check_is_told_with_the_remedy(plan, moved):
    assert "user 'pass-sha512'" in plan
    assert "kept as sha512_crypt" in plan
    assert "change the password at the source" in plan
    assert not moved.log_in("pass-sha512")


def test_another_run_has_nothing_to_do(lab, moved):
    again = lab.run("migrate", "project", PROJECT, "--yes")
    assert "nothing to do" in again.stdout + again.stderr


def test_a_password_changed_at_the_source_follows(lab, moved):
    source = lab.connect("source").identity
    source.update_user(moved.ids["pass-scrypt"], password="an0ther-one")
    lab.run("migrate", "project", PROJECT, "--yes")
    assert moved.log_in("pass-scrypt", password="an0ther-one")


def test_a_password_set_in_the_destination_is_left(lab, moved):
    there = lab.connect("destination").identity
    user = there.find_user("pass-pbkdf2", ignore_missing=False)
    there.update_user(user, password="chosen-1n-the-new-cloud")
    lab.connect("source").identity.update_user(moved.ids["pass-pbkdf2"], password="t00-late")
    lab.run("migrate", "project", PROJECT, "--yes")
    assert moved.log_in("pass-pbkdf2", password="chosen-1n-the-new-cloud")


def test_killed_before_passwords_are_carried_the_same_command_carries_them(lab, moved):
    """The users are made and acted for; then the run dies, and nobody knows their passwords."""
    tenant = lab.connect(
        "source", username="pass-bcrypt", password=PASSWORD.format("pass-bcrypt"), project_name=PROJECT
    )
    volume = tenant.block_storage.create_volume(size=1, name="pass-volume", volume_type="fast")
    tenant.block_storage.wait_for_status(volume, "available", interval=0.2)
    assert lab.kill(Point("step.done", "create_volume", 1), "migrate", "project", PROJECT, "--yes")
    assert not moved.log_in("pass-bcrypt")
    lab.run("migrate", "project", PROJECT, "--yes")
    assert moved.log_in("pass-bcrypt")
    (there,) = lab.connect("destination").block_storage.volumes(all_projects=True, name="pass-volume")
    owner = lab.connect("destination").identity.find_user("pass-bcrypt", ignore_missing=False)
    assert there.user_id == owner.id
    assert traces(inventory(lab.connect("destination"))) == []


def test_killed_after_the_last_act_the_same_command_carries_them(lab, moved):
    """All is moved, only the passwords are still missing: the plan says so, and is not empty."""
    ledger = lab.home / "ledger.sqlite"
    key = f"user:{moved.ids['pass-bcrypt']}"
    moved.change("destination", "pass-bcrypt", password_hash="$2b$04$nobody-knows", created_at_int=1)
    with sqlite3.connect(ledger) as connection:
        connection.execute(
            "UPDATE resource SET data = json_set(data, '$.password', null) WHERE key = ?", (key,)
        )
    connection.close()
    steps = {row["Name"]: row for row in lab.listing("plan", "project", PROJECT)}
    assert "its password is still to be carried" in str(steps["pass-bcrypt"])
    lab.run("migrate", "project", PROJECT, "--yes")
    assert moved.log_in("pass-bcrypt")


def test_without_databases_the_plan_says_who_gets_no_password(lab, people, tmp_path):
    config = yaml.safe_load(lab.config.read_text())
    for side in ("source", "destination"):
        del config[side]["identity"]
    config |= {"ledger": str(tmp_path / "other.sqlite"), "clouds_file": str(lab.home / "clouds.yaml")}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    identity = lab.connect("source").identity
    identity.create_user(name="pass-nobody", domain_id="default", password="never-carr1ed")
    user = identity.find_user("pass-nobody", ignore_missing=False)
    people.ids["pass-nobody"] = user.id
    identity.assign_project_role_to_user(people.project, user, people.member)
    said = lab.run("plan", "project", PROJECT, "--config", str(tmp_path / "config.yaml")).stdout
    assert "get a password that nobody knows: pass-nobody" in said
    assert "identity.connection" in said
