"""The driver ironic without an Ironic: what it is told, and what it makes of a node."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from pumphouse.drivers.provision.ironic import states
from pumphouse.drivers.provision.ironic.settings import IronicSettings
from pumphouse.errors import ConfigError, Refused
from pumphouse.hosts import Host
from pumphouse.model import NodeState

IPMI = {"type": "ipmi", "address": "10.0.0.1", "port": 6230, "username": "u", "password": "p"}
REDFISH = {"type": "redfish", "address": "https://10.0.0.1", "system": "/1", "username": "u", "password": "p"}
OURS = {"pumphouse": {"enrolled": True, "assigned": True}}


def machine(**bmc: Any) -> Host:
    return Host.model_validate({"name": "compute-01", "macs": ["52:54:00:00:00:01"], "bmc": bmc})


def body(state: str, **more: Any) -> dict[str, Any]:
    node = {"uuid": "u1", "name": "compute-01", "provision_state": state, "extra": {}, "maintenance": False}
    return node | {"last_error": None} | more


def test_a_bmc_is_told_in_the_words_of_its_driver() -> None:
    settings = IronicSettings(image="http://images/x", kernel="http://images/k")
    assert settings.node(machine(**IPMI)) == {
        "driver": "ipmi",
        "driver_info": {
            "ipmi_address": "10.0.0.1",
            "ipmi_port": "6230",
            "ipmi_username": "u",
            "ipmi_password": "p",
            "deploy_kernel": "http://images/k",
        },
    }
    more = IronicSettings(
        image="x", fields={"resource_class": "big", "driver_info": {"redfish_verify_ca": "/ca"}}
    )
    node = more.node(machine(**REDFISH))
    assert (node["driver"], node["resource_class"]) == ("redfish", "big")
    assert node["driver_info"]["redfish_system_id"] == "/1"
    assert node["driver_info"]["redfish_verify_ca"] == "/ca"
    with pytest.raises(Refused, match="BMCs of type wol"):
        settings.node(machine(**IPMI | {"type": "wol"}))


def test_the_config_drive_names_the_host_and_brings_it_into_the_cloud(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("#cloud-config\n")
    settings = IronicSettings(image="x", hostname="new-{name}", user_data=tmp_path / "data")
    assert settings.config_drive(machine(**IPMI)) == {
        "meta_data": {"hostname": "new-compute-01", "name": "new-compute-01"},
        "user_data": "#cloud-config\n",
    }
    with pytest.raises(ConfigError, match="user_data"):
        IronicSettings(image="x", user_data=tmp_path / "gone").config_drive(machine(**IPMI))


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "ironic:6385"},
        {"username": "u", "url": "http://ironic"},
        {"password": "p", "url": "http://ironic"},
        {"username": "u", "password": "p"},
        {"hostname": "{host}"},
        {"colour": "red"},
    ],
)
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        IronicSettings.model_validate({"image": "x", **wrong})


@pytest.mark.parametrize(
    ("state", "free", "ours"),
    [
        ("manageable", NodeState.FREE, NodeState.ASSIGNED),
        ("available", NodeState.FREE, NodeState.ASSIGNED),
        ("enroll", NodeState.OFFLINE, NodeState.OFFLINE),
        ("verifying", NodeState.OFFLINE, NodeState.OFFLINE),
        ("clean wait", NodeState.OFFLINE, NodeState.DEPLOYING),
        ("clean failed", NodeState.OFFLINE, NodeState.FAILED),
        ("wait call-back", NodeState.ELSEWHERE, NodeState.DEPLOYING),
        ("deploy failed", NodeState.ELSEWHERE, NodeState.FAILED),
        ("active", NodeState.ELSEWHERE, NodeState.DEPLOYED),
    ],
)
def test_where_a_node_stands(state: str, free: NodeState, ours: NodeState) -> None:
    assert states.node(body(state), ()).state is free
    assert states.node(body(state, extra=OURS), ()).state is ours


def test_maintenance_of_ironics_own_is_no_operators() -> None:
    held = body("available", maintenance=True, maintenance_reason="a fan")
    assert states.node(held, ()).state is NodeState.OFFLINE
    assert states.held(held) == "it is in maintenance: a fan"
    assert not states.held(held | {"fault": "clean failure"})


def test_progress_is_that_of_the_steps() -> None:
    info = {"deploy_steps": [{}] * 4, "deploy_step_index": 1, "clean_steps": None}
    deploying = body("wait call-back", driver_internal_info=info, deploy_step={"step": "write_image"})
    assert (states.percent(deploying), states.doing(deploying)) == (25, "wait call-back: write_image")
    assert states.percent(body("active", driver_internal_info=info)) is None
