"""Each question of the check, and its remedies, on clouds that answer from a table."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from answering_cloud import VERSIONS, AnsweringCloud, quota

from pumphouse.check import ADMIN_READS, check, same_cloud
from pumphouse.config import Config
from pumphouse.errors import CloudError, ConfigError, Forbidden, Missing, NotAuthenticated, Unreachable
from pumphouse.model import CheckResult, Result
from pumphouse.ports import Version


def make_config(directory: Path, **changes: Any) -> Config:
    values = {
        "source": {"cloud": "old"},
        "destination": {"cloud": "new"},
        "ledger": str(directory / "ledger.sqlite"),
        "log_dir": directory / "logs",
    }
    return Config.model_validate(values | changes)


def destination(**changes: Any) -> AnsweringCloud:
    return AnsweringCloud(role="destination", host="http://destination", **changes)


class Tables:
    """Proves what it is told to."""

    def __init__(self, **answers: Any) -> None:
        self.answers = answers

    def prove(self, role: str) -> str:
        answer = self.answers[role]
        if isinstance(answer, Exception):
            raise answer
        return str(answer)


Run = Callable[..., dict[str, CheckResult]]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    def run(
        source: Any = None,
        destination_cloud: Any = None,
        config: Config | None = None,
        tables: Any = None,
    ) -> dict[str, CheckResult]:
        def connect(cloud: Any) -> Callable[[], Any]:
            def connecting() -> Any:
                if isinstance(cloud, Exception):
                    raise cloud
                return cloud

            return connecting

        lines = check(
            connect(source or AnsweringCloud()),
            connect(destination_cloud or destination()),
            config or make_config(tmp_path),
            tables or Tables(),
            now=lambda: 1000.0,
        )
        return {line.check: line for line in lines}

    return run


def test_two_good_clouds_pass_every_question(run: Run) -> None:
    lines = run()
    assert {line.result for line in lines.values()} == {Result.OK}
    assert "release Zed" in lines["source compute"].detail
    assert {
        f"{role} admin on {service}" for role in ("source", "destination") for service in ADMIN_READS
    } <= set(lines)


def test_whatever_fails_or_warns_names_a_remedy(run: Run) -> None:
    broken = AnsweringCloud(versions_of={"compute": CloudError("broken")}, time=None)
    lines = run(broken, NotAuthenticated("no"))
    assert all(line.remedy for line in lines.values() if line.result is not Result.OK)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (Unreachable("nothing answers"), "unreachable"),
        (NotAuthenticated("the credentials are not accepted", "Check the password."), "not accepted"),
        (ConfigError("clouds.yaml has no entry old"), "no entry"),
    ],
)
def test_a_cloud_that_cannot_be_reached_fails_and_the_other_is_still_checked(
    run: Run, error: Exception, said: str
) -> None:
    lines = run(error)
    assert lines["source"].result is Result.FAIL
    assert said in lines["source"].detail
    assert lines["destination compute"].result is Result.OK
    assert "source compute" not in lines


def test_a_cloud_that_breaks_after_login_fails_its_lines(run: Run) -> None:
    lines = run(AnsweringCloud(versions_of=dict.fromkeys(VERSIONS, Unreachable("gone"))))
    assert lines["source compute"].result is Result.FAIL
    assert lines["source image"].result is Result.FAIL


def test_an_answer_of_something_else_fails_in_words(run: Run) -> None:
    strange = AnsweringCloud(answers={("block-storage", "/os-quota-sets/admin-project"): None})
    line = run(strange)["source quota for temporaries"]
    assert line.result is Result.FAIL
    assert "not that of an OpenStack service" in line.detail


def test_the_same_cloud_twice_is_refused(run: Run, tmp_path: Path) -> None:
    twice = AnsweringCloud(role="destination")
    assert run(destination_cloud=twice)["two clouds"].result is Result.FAIL
    assert same_cloud(AnsweringCloud(), twice, make_config(tmp_path)) == "http://source/block-storage"
    assert not same_cloud(AnsweringCloud(), destination(), make_config(tmp_path))


@pytest.mark.parametrize("service", ADMIN_READS)
def test_rights_are_missed_on_each_service(run: Run, service: str) -> None:
    path = ADMIN_READS[service][-1][0]
    line = run(AnsweringCloud(answers={(service, path): Forbidden("no")}))[f"source admin on {service}"]
    assert line.result is Result.FAIL
    assert path in line.detail
    assert line.remedy == "openstack role add --user admin-id --project admin-project admin"


def test_a_proof_that_is_not_offered_warns(run: Run) -> None:
    line = run(AnsweringCloud(answers={("image", "/tasks"): Missing("no")}))["source admin on image"]
    assert line.result is Result.WARN


@pytest.mark.parametrize(
    ("service", "result"), [("compute", Result.FAIL), ("image", Result.FAIL), ("placement", Result.WARN)]
)
def test_missing_services(run: Run, service: str, result: Result) -> None:
    others = {name: versions for name, versions in VERSIONS.items() if name != service}
    lines = run(AnsweringCloud(versions_of=others))
    assert lines[f"source {service}"].result is result
    assert f"source admin on {service}" not in lines


@pytest.mark.parametrize(
    ("role", "maximum", "result"),
    [
        ("source", "2.10", Result.OK),
        ("source", "2.9", Result.FAIL),
        ("destination", "2.52", Result.OK),
        ("destination", "2.51", Result.FAIL),
    ],
)
def test_old_microversions(run: Run, role: str, maximum: str, result: Result) -> None:
    versions = VERSIONS | {"compute": (Version("v2.1", "CURRENT", "2.1", maximum),)}
    clouds = {"source": AnsweringCloud(), "destination": destination()}
    clouds[role].versions_of = versions
    assert run(clouds["source"], clouds["destination"])[f"{role} compute"].result is result


@pytest.mark.parametrize(
    ("time", "result"),
    [(1029.0, Result.OK), (969.0, Result.WARN), (1301.0, Result.FAIL), (None, Result.WARN)],
)
def test_clocks(run: Run, time: float | None, result: Result) -> None:
    assert run(AnsweringCloud(time=time))["source clock"].result is result


def test_a_short_quota_warns_with_the_command_that_raises_it(run: Run, tmp_path: Path) -> None:
    short = {"volumes": quota(10, 7, 1), "snapshots": quota(-1, 50), "gigabytes": quota(1000)}
    cloud = AnsweringCloud(answers={("block-storage", "/os-quota-sets/admin-project"): {"quota_set": short}})
    line = run(cloud)["source quota for temporaries"]
    assert line.result is Result.WARN
    assert "free: volumes 2, snapshots unlimited" in line.detail
    assert "openstack quota set --volumes 12 admin-project" in line.remedy


def test_mapped_volume_types_must_exist(run: Run, tmp_path: Path) -> None:
    config = make_config(tmp_path, policy={"volume_types": {"gold": "fast", "silver": "slow"}})
    types = {"volume_types": [{"name": "fast"}]}
    line = run(destination_cloud=destination(answers={("block-storage", "/types"): types}), config=config)[
        "destination volume types"
    ]
    assert line.result is Result.FAIL
    assert "slow" in line.detail
    assert "fast" not in line.detail


def test_a_ledger_below_a_file_fails(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    line = run(config=make_config(tmp_path, ledger=str(tmp_path / "file" / "ledger.sqlite")))["ledger"]
    assert line.result is Result.FAIL


def test_a_ledger_that_is_not_there_yet_is_fine_and_is_not_made(run: Run, tmp_path: Path) -> None:
    config = make_config(tmp_path, ledger=f"sqlite:///{tmp_path}/new/ledger.sqlite")
    assert run(config=config)["ledger"].result is Result.OK
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("address", ["not a url hunter2", "nosuchdatabase://pump:hunter2@127.0.0.1/ledger"])
def test_a_ledger_that_cannot_be_reached_fails_without_its_password(
    run: Run, tmp_path: Path, address: str
) -> None:
    line = run(config=make_config(tmp_path, ledger=address.replace("not a url", "not a url://")))["ledger"]
    assert line.result is Result.FAIL
    assert "hunter2" not in line.detail + line.remedy


def test_identity_databases_are_proven(run: Run, tmp_path: Path) -> None:
    named = {
        role: {"cloud": role, "identity": {"connection": "sqlite:///k"}} for role in ("source", "destination")
    }
    tables = Tables(source="sqlite:///k", destination=CloudError("no rights", "Grant them."))
    lines = run(config=make_config(tmp_path, **named), tables=tables)
    assert lines["source identity database"].detail == "sqlite:///k is Keystone's"
    refused = lines["destination identity database"]
    assert (refused.result, refused.detail, refused.remedy) == (Result.FAIL, "no rights", "Grant them.")


def test_without_identity_databases_it_says_what_is_missed(run: Run) -> None:
    assert "passwords are not carried" in run()["source identity database"].detail
