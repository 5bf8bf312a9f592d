"""``pumphouse check`` and ``discover`` on the lab's clouds, good and bad."""

import json
import secrets
from pathlib import Path

import pytest
import yaml

pytestmark = pytest.mark.lab

ADMIN_CHECKED = ("identity", "compute", "image", "network", "block-storage")


def lines(result):
    return {line["Check"]: line for line in json.loads(result.stdout)}


@pytest.fixture
def check(lab, tmp_path: Path):
    """Runs the check with some keys of the lab's configuration changed."""

    def run(**changes):
        settings = yaml.safe_load((lab.home / "config.yaml").read_text())
        settings |= {
            "clouds_file": str(lab.home / "clouds.yaml"),
            "ledger": "ledger.sqlite",
            "log_dir": "logs",
        }
        path = tmp_path / "config.yaml"
        path.write_text(yaml.safe_dump(settings | changes))
        return lab.run("check", "-f", "json", "--config", str(path), check=False)

    return run


@pytest.fixture
def auth(lab):
    """The administrator's credentials at the source."""
    clouds = yaml.safe_load((lab.home / "clouds.yaml").read_text())["clouds"]
    return clouds["pumphouse-source"]["auth"]


@pytest.fixture
def member(lab, auth):
    """Credentials of a user of the source who is no administrator."""
    identity = lab.connect("source").identity
    name, password = f"member-{secrets.token_hex(4)}", secrets.token_urlsafe(12)
    project = identity.create_project(name=name)
    user = identity.create_user(name=name, password=password)
    identity.assign_project_role_to_user(project, user, identity.find_role("member"))
    yield auth | {"username": name, "password": password, "project_name": name}
    identity.delete_user(user)
    identity.delete_project(project)


def test_nothing_fails_on_two_good_clouds(check) -> None:
    result = check()
    found = lines(result)
    assert result.returncode == 0
    assert not [line for line in found.values() if line["Result"] == "fail"]
    assert "release Zed" in found["source compute"]["Detail"]
    assert "release 2026.2" in found["destination compute"]["Detail"]


def test_an_unreachable_cloud_and_wrong_credentials_are_told_apart(check, auth) -> None:
    unreachable = check(source={"auth": auth | {"auth_url": "http://127.0.0.1:1/v3"}})
    wrong = check(source={"auth": auth | {"password": "hunter2"}})
    assert unreachable.returncode == wrong.returncode == 1
    assert "unreachable" in lines(unreachable)["source"]["Detail"]
    assert "not accepted" in lines(wrong)["source"]["Detail"]
    assert "hunter2" not in wrong.stdout + wrong.stderr
    assert lines(wrong)["destination compute"]["Result"] == "ok"


def test_the_same_cloud_twice_fails(check) -> None:
    result = check(source={"cloud": "pumphouse-destination"})
    assert result.returncode == 1
    assert lines(result)["two clouds"]["Result"] == "fail"


def test_each_service_refuses_whoever_is_no_administrator(check, member) -> None:
    result = check(source={"auth": member})
    found = lines(result)
    refused = {s: found[f"source admin on {s}"]["Detail"] for s in ADMIN_CHECKED}
    assert result.returncode == 1
    assert all("not an administrator" in detail for detail in refused.values()), refused


def test_a_full_quota_warns(check, lab) -> None:
    cloud = lab.connect("source")
    project = cloud.current_project_id
    before = cloud.get_volume_quotas(project)["snapshots"]
    cloud.set_volume_quotas(project, snapshots=1)
    try:
        line = lines(check())["source quota for temporaries"]
    finally:
        cloud.set_volume_quotas(project, snapshots=before)
    assert line["Result"] == "warn"
    assert "--snapshots 4" in line["Remedy"]


def test_keystones_database_is_checked(check, lab) -> None:
    databases = (lab.home / "source" / "db").glob("*keystone*")
    keystone = next(path for path in databases if not path.name.endswith(("-wal", "-shm")))
    source = {"cloud": "pumphouse-source", "identity": {"connection": f"sqlite:///{keystone}"}}
    assert lines(check(source=source))["source identity database"]["Result"] == "ok"


def test_discover_shows_both_clouds_side_by_side(lab) -> None:
    rows = {row["Item"]: row for row in lab.listing("discover")}
    assert "(Zed)" in rows["compute"]["Source"]
    assert "(2026.2)" in rows["compute"]["Destination"]
    assert rows["hypervisors"] == {"Item": "hypervisors", "Source": "3", "Destination": "1"}
    assert rows["network extension trunk"]["Source"] == "yes"
