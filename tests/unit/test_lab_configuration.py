"""The lab's pure parts: releases, ports, settings, files."""

import json
import re
import stat

import pytest
import yaml

from pumphouse.errors import LabError
from pumphouse.lab import client_files, configuration, golden
from pumphouse.lab.cloud import DESTINATION_OFFSET, HIGHEST_OFFSET
from pumphouse.lab.engines.ironic import IRONIC
from pumphouse.lab.home import choose_settings, clouds_of, read_settings, write_settings
from pumphouse.lab.releases import RELEASES, REQUIREMENTS, find_release


@pytest.fixture
def clouds(tmp_path):
    return clouds_of(tmp_path, choose_settings(tmp_path, {}))


def test_every_release_has_its_file_and_no_file_lacks_its_release():
    assert {path.stem for path in REQUIREMENTS.glob("*.txt")} == {*RELEASES, IRONIC.name}


@pytest.mark.parametrize("release", RELEASES.values(), ids=RELEASES)
def test_every_package_is_pinned(release):
    lines = release.requirements.read_text().splitlines()
    assert [line for line in lines if line and not re.fullmatch(r"[a-z0-9-]+==[0-9][\w.]*", line)] == []
    names = {line.partition("==")[0] for line in lines}
    assert {"keystone", "glance", "openstack-placement", "nova", "neutron", "cinder"} <= names


def test_unknown_release_lists_the_known_ones():
    with pytest.raises(LabError, match="'kilo'") as raised:
        find_release("kilo")
    assert raised.value.remedy.startswith("choose one of: train, ")


def test_ports_of_both_clouds_differ(clouds):
    ports = [port for cloud in clouds for port in cloud.ports.values()]
    assert len(set(ports)) == 12
    assert min(ports) == 15000
    assert max(ports) == 15000 + DESTINATION_OFFSET + HIGHEST_OFFSET


@pytest.mark.parametrize("port", [80, 60000])
def test_base_port_must_leave_room(tmp_path, port):
    with pytest.raises(LabError, match="no room"):
        choose_settings(tmp_path, {"base_port": port})


def test_settings_are_kept_and_cannot_be_changed(tmp_path, clouds):
    asked = {"base_port": 20000, "source_hosts": 2, "destination": "ZED"}
    chosen = choose_settings(tmp_path, asked)
    write_settings(tmp_path, chosen, clouds_of(tmp_path, chosen))
    assert read_settings(tmp_path) == chosen
    assert choose_settings(tmp_path, {}) == choose_settings(tmp_path, asked) == chosen
    assert (
        json.loads((tmp_path / "lab.json").read_text())["source"]["auth_url"] == "http://127.0.0.1:20000/v3"
    )
    with pytest.raises(LabError, match="cannot be changed"):
        choose_settings(tmp_path, {"base_port": 20001})


def test_broken_settings_name_the_file(tmp_path):
    (tmp_path / "lab.json").write_text("{")
    with pytest.raises(LabError, match=r"lab\.json cannot be read"):
        read_settings(tmp_path)


def test_configuration_stays_in_the_home(clouds):
    for cloud in clouds:
        for sections in configuration.configuration(cloud).values():
            for options in sections.values():
                paths = [str(value) for value in options.values() if str(value).startswith(("/", "file:/"))]
                assert all(str(cloud.home) in path for path in paths), paths


def test_only_the_shared_backend_is_shared(clouds):
    source, destination = clouds
    assert source.volumes_directory("shared") == destination.volumes_directory("shared")
    assert source.volumes_directory("fast") != destination.volumes_directory("fast")


def test_client_files(tmp_path, clouds):
    client_files.write_client_files(tmp_path, clouds)
    path = tmp_path / "clouds.yaml"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    entry = yaml.safe_load(path.read_text())["clouds"]["pumphouse-destination"]
    assert entry["auth"]["auth_url"] == "http://127.0.0.1:25000/v3"
    config = tmp_path / "config.yaml"
    source = yaml.safe_load(config.read_text())["source"]
    assert source["cloud"] == "pumphouse-source"
    assert source["identity"]["connection"] == f"sqlite:///{clouds[0].db}/keystone.sqlite"
    config.write_text("mine")
    client_files.write_client_files(tmp_path, clouds)
    assert config.read_text() == "mine"


def test_golden_copy_comes_back(clouds):
    cloud = clouds[0]
    for path in (
        cloud.db / "nova.sqlite",
        cloud.etc / "fernet-keys" / "0",
        cloud.etc / "credential-keys" / "0",
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    golden.save_golden(cloud)
    leftover = cloud.data / "instances" / "x" / "disk"
    leftover.parent.mkdir(parents=True)
    leftover.touch()
    golden.empty(cloud)
    assert golden.has_state(cloud)
    assert (cloud.etc / "fernet-keys" / "0").exists()
    assert not leftover.exists()
