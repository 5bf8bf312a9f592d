"""inventory.yaml: defaults, passwords from elsewhere, and every fault in one line."""

from pathlib import Path

import pytest

from pumphouse.clock import StoppableClock
from pumphouse.errors import ConfigError
from pumphouse.hosts import Bmc, Host, Hosts, load_hosts
from pumphouse.wiring import open_power

SAMPLE = Path(__file__).parents[2] / "samples" / "inventory.yaml"
BMC = "bmc: {type: ipmi, address: 10.0.0.1, username: admin, password: s3cret}"


def load(tmp_path: Path, text: str) -> Hosts:
    file = tmp_path / "inventory.yaml"
    file.write_text(text)
    return load_hosts(file)


def fault(tmp_path: Path, text: str) -> str:
    with pytest.raises(ConfigError) as raised:
        load(tmp_path, text)
    assert "s3cret" not in str(raised.value)
    return raised.value.message


def test_the_sample_is_valid() -> None:
    assert len(load_hosts(SAMPLE).hosts) == 2


def test_what_a_host_leaves_out_comes_from_the_defaults(tmp_path: Path) -> None:
    hosts = load(
        tmp_path,
        """
defaults:
  bmc: {type: ipmi, username: admin, password_file: bmc.password}
hosts:
  - {name: one, macs: [52-54-00-AA-BB-01], bmc: {address: 10.0.0.1}}
  - {name: two, bmc: {type: redfish, address: "https://10.0.0.2", password_env: BMC_TWO}}
""",
    )
    one, two = hosts.hosts
    assert (one.macs, one.bmc.type, one.bmc.username) == (("52:54:00:aa:bb:01",), "ipmi", "admin")
    assert one.bmc.password_file == tmp_path / "bmc.password"
    assert (two.bmc.type, two.bmc.password_file) == ("redfish", None)


def test_the_password_is_read_where_it_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def bmc(**way: str) -> Bmc:
        return Bmc(type="ipmi", address="a", username="u", **way)  # type: ignore[arg-type]

    (tmp_path / "secret").write_text("from file\nsecond line\n")
    monkeypatch.setenv("BMC_SECRET", "from environment")
    assert bmc(password="given").secret() == "given"
    assert bmc(password_file=str(tmp_path / "secret")).secret() == "from file"
    assert bmc(password_env="BMC_SECRET").secret() == "from environment"
    with pytest.raises(ConfigError, match="no variable BMC_GONE"):
        bmc(password_env="BMC_GONE").secret()
    with pytest.raises(ConfigError, match="gone"):
        bmc(password_file=str(tmp_path / "gone")).secret()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("hosts: [{name: a, colour: red, " + BMC + "}]", ("hosts.0.colour", "unknown key")),
        ("hosts: [{name: a, " + BMC + "}, {name: a, bmc: {type: ipmi, address: b, username: u, password: p}}]",
         ("name a", "more than one host")),
        ("hosts: [{name: a, macs: [52:54:00:00:00:01, 52-54-00-00-00-01], " + BMC + "}]",
         ("MAC address 52:54:00:00:00:01",)),
        ("hosts: [{name: a, macs: [nonsense], " + BMC + "}]", ("hosts.0.macs.0", "not a MAC address")),
        ("hosts: [{name: a, " + BMC + "}, {name: b, " + BMC + "}]", ("BMC 10.0.0.1 is given to more than one",)),
        ("hosts: [{name: a, bmc: {type: ipmi, address: x, username: u}}]", ("exactly one of",)),
        ("hosts: [{name: a}]", ("hosts.0.bmc", "required")),
        ("defaults: {power: {}}\nhosts: []", ("defaults", "unknown key")),
        ("machines: []", ("hosts", "required")),
        ("[]", ("top level",)),
    ],
)  # fmt: skip
def test_every_fault_is_told_with_its_place(tmp_path: Path, text: str, words: tuple[str, ...]) -> None:
    message = fault(tmp_path, text)
    assert str(tmp_path / "inventory.yaml") in message
    for word in words:
        assert word in message


def test_an_unknown_host_is_told_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no host 'b'") as raised:
        load(tmp_path, "hosts: [{name: a, " + BMC + "}]").find("b")
    assert "a" in raised.value.remedy


def test_an_unknown_driver_is_told_with_those_there_are() -> None:
    bmc = Bmc(type="telepathy", address="a", username="u", password="p")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="telepathy") as raised:
        open_power(Host(name="a", bmc=bmc), StoppableClock())
    assert "ipmi, redfish" in raised.value.remedy
