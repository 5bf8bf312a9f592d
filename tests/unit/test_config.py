"""Configuration files: what is accepted, and how each fault is told."""

from pathlib import Path

import pytest

from pumphouse.config import Config, find, load
from pumphouse.errors import ConfigError

MINIMAL = "source: {cloud: old}\ndestination: {cloud: new}\n"
OVERRIDE = MINIMAL + "policy: {overrides: [%s]}\n"
SAMPLES = Path(__file__).parents[2] / "samples"


@pytest.fixture
def written(tmp_path: Path):
    def write(text: str) -> Path:
        path = tmp_path / "config.yaml"
        path.write_text(text)
        return path

    return write


def test_everything_but_the_clouds_has_a_default(written) -> None:
    config = load(written(MINIMAL))
    assert config.policy.concurrency == 4
    assert config.policy.verify_disks == "read-back"


def test_the_sample_loads_and_shows_every_key() -> None:
    config = load(SAMPLES / "config.yaml")
    assert config.source.cloud == "old"
    assert config.destination.auth
    assert set(Config.model_fields) == config.model_fields_set
    assert set(type(config.policy).model_fields) == config.policy.model_fields_set


def test_relative_paths_are_relative_to_the_file(written, tmp_path: Path) -> None:
    config = load(written(MINIMAL + "ledger: l.sqlite\nlog_dir: l\nclouds_file: c.yaml\n"))
    assert config.ledger == str(tmp_path / "l.sqlite")
    assert config.log_dir == tmp_path / "l"
    assert config.clouds_file == tmp_path / "c.yaml"


def test_a_database_address_is_no_path(written) -> None:
    assert load(written(MINIMAL + "ledger: postgresql://host/ledger\n")).ledger == "postgresql://host/ledger"


@pytest.mark.parametrize(
    ("text", "place", "said"),
    [
        ("destination: {cloud: new}\n", "source", "is required"),
        (MINIMAL + "polcy: {}\n", "polcy", "unknown key"),
        (MINIMAL + "policy: {concurency: 3}\n", "policy.concurency", "unknown key"),
        (MINIMAL + "policy: {concurrency: many}\n", "policy.concurrency", "valid integer"),
        (MINIMAL + "policy: {concurrency: 0}\n", "policy.concurrency", "greater than or equal to 1"),
        (MINIMAL + "policy: {bandwidth: -1}\n", "policy.bandwidth", "greater than 0"),
        (MINIMAL + "policy: {verify_disks: perhaps}\n", "policy.verify_disks", "'read-back' or 'checksum'"),
        (MINIMAL + "policy: {timeouts: {server: soon}}\n", "policy.timeouts.server", "valid integer"),
        (OVERRIDE % "{project: a, lock_surce: no}", "policy.overrides.0.lock_surce", "unknown key"),
        (OVERRIDE % "{project: a, lock_source: maybe}", "policy.overrides.0.lock_source", "valid boolean"),
        (
            OVERRIDE % "{project: a, concurrency: 2}",
            "policy.overrides.0",
            "concurrency holds for the whole run",
        ),
        (OVERRIDE % "{lock_source: no}", "policy.overrides.0", "name a 'project' or a 'server'"),
        (OVERRIDE % "{server: web}", "policy.overrides.0", "says nothing about"),
        (OVERRIDE % "{server: '', lock_source: no}", "policy.overrides.0.server", "at least 1 character"),
        (MINIMAL + "ledger: ' '\n", "ledger", "must name a file"),
        ("source: {}\ndestination: {cloud: new}\n", "source", "give either 'cloud'"),
        ("source: {auth: {username: u}}\ndestination: {cloud: new}\n", "source.auth.auth_url", "is required"),
        ("source: old\ndestination: {cloud: new}\n", "source", "valid dictionary"),
        ("", "top level", "valid dictionary"),
        ("- source\n", "top level", "valid dictionary"),
    ],
)
def test_each_fault_names_file_place_and_what_is_right(written, text: str, place: str, said: str) -> None:
    path = written(text)
    with pytest.raises(ConfigError) as caught:
        load(path)
    lines = str(caught.value).splitlines()
    assert any(line.startswith(f"{path}: {place}: ") and said in line for line in lines), lines


def test_every_fault_is_told_at_once(written) -> None:
    with pytest.raises(ConfigError) as caught:
        load(written("source: {cloud: old}\npolicy: {attempts: 0}\nunknown: 1\n"))
    assert len(str(caught.value).splitlines()) == 3


@pytest.mark.parametrize(
    "text", ["source: [\n", "source: {cloud: old\n", "a: b: c\n", "\tsource: x\n", "a: !!x y\n"]
)
def test_what_is_not_yaml_is_told_with_line_and_column(written, text: str) -> None:
    with pytest.raises(ConfigError, match=r"line \d+, column \d+: not valid YAML"):
        load(written(text))


def test_what_is_not_text_is_told(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_bytes(b"source: \xff\xfe")
    with pytest.raises(ConfigError, match="UTF-8"):
        load(path)


@pytest.mark.parametrize(
    "text",
    [
        "source: {auth: {password: hunter2, usrname: u}}\ndestination: {cloud: new}\n",
        "source: {cloud: old, identity: {connection: [hunter2]}}\ndestination: {cloud: new}\n",
        "source: {cloud: old, auth: {auth_url: u, username: u, password: hunter2, project_name: p}}\n",
        "source: {auth: {password: hunter2\n",
        "source: {auth: {password: hunter2 }}}\n",
        MINIMAL + "ledger: {url: hunter2}\n",
        MINIMAL + "policy: hunter2\n",
    ],
)
def test_a_fault_never_shows_a_value_since_it_may_be_a_secret(written, text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(written(text))
    assert "hunter2" not in str(caught.value) + caught.value.remedy


def test_secrets_are_not_printed(written) -> None:
    auth = "{auth_url: u, username: u, password: hunter2, project_name: p}"
    identity = "{connection: 'mysql+pymysql://u:hunter2@h/keystone'}"
    config = load(written(f"source: {{auth: {auth}, identity: {identity}}}\ndestination: {{cloud: new}}\n"))
    assert "hunter2" not in repr(config) + config.model_dump_json()


def test_the_first_place_that_has_a_file_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    with pytest.raises(
        ConfigError, match=r"looked for config\.yaml, .*home/pumphouse/config\.yaml, /etc/pumphouse"
    ):
        find(None)
    in_home = tmp_path / "home" / "pumphouse" / "config.yaml"
    in_home.parent.mkdir(parents=True)
    in_home.touch()
    assert find(None) == in_home
    (tmp_path / "config.yaml").touch()
    assert find(None) == Path("config.yaml")


def test_a_file_that_was_named_must_exist(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="absent"):
        find(tmp_path / "absent.yaml")
