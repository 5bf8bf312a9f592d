"""What cannot be done is said in one clear line, with an exit code of its own, before anything is touched."""

import copy

import pytest
import yaml
from clouds import changes, get
from portrait import named

USAGE, REFUSED, CLOUD = 2, 3, 4


@pytest.fixture(scope="module", autouse=True)
def nothing_is_touched(untouched, lab):
    """Whatever is tried in this module leaves both clouds alone."""
    yield
    now = lab.look()
    for side in ("source", "destination"):
        assert changes(untouched.inventories[side], now.inventories[side]) == []


@pytest.fixture
def configured(lab, tmp_path):
    """Writes a configuration that differs from the lab's, with a ledger of its own."""

    def write(change):
        config = yaml.safe_load(lab.config.read_text())
        config |= {"clouds_file": str(lab.home / "clouds.yaml"), "ledger": str(tmp_path / "ledger.sqlite")}
        config["log_dir"] = str(tmp_path / "logs")
        change(config, lab)
        file = tmp_path / "config.yaml"
        file.write_text(yaml.safe_dump(config))
        return str(file)

    return write


def refused(lab, code, words, *args):
    """Run a command that must fail with this code, in one line that holds these words."""
    done = lab.run(*args, check=False)
    errors = [line for line in done.stderr.splitlines() if line.startswith("pumphouse: error:")]
    assert done.returncode == code, done.stderr
    assert len(errors) == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert "bug in pumphouse" not in done.stderr
    for word in words:
        assert word in done.stderr, done.stderr


def _auth(lab, side, **changed):
    entry = yaml.safe_load((lab.home / "clouds.yaml").read_text())["clouds"][f"pumphouse-{side}"]
    return {"auth": copy.deepcopy(entry["auth"]) | changed}


def _as_tenant(lab, side):
    person = next(each for each in lab.manifest["users"] if each["enabled"])
    return _auth(
        lab, side, username=person["name"], password=person["password"], project_name=person["project"]
    )


CONFIGURATIONS = {
    "missing key": (lambda c, lab: c.pop("destination"), USAGE, ("destination", "required")),
    "unknown key": (lambda c, lab: c.update(polcy={}), USAGE, ("polcy", "unknown key")),
    "out of range": (lambda c, lab: c.update(policy={"concurrency": 0}), USAGE, ("policy.concurrency",)),
    "unknown cloud": (lambda c, lab: c["source"].update(cloud="atlantis"), USAGE, ("atlantis",)),
    "same cloud twice": (lambda c, lab: c.update(destination=c["source"]), USAGE, ("source", "destination")),
    "wrong password": (
        lambda c, lab: c.update(destination=_auth(lab, "destination", password="guessed")),
        CLOUD,
        ("destination", "credentials"),
    ),
    "unreachable": (
        lambda c, lab: c.update(source=_auth(lab, "source", auth_url="http://127.0.0.1:9/v3")),
        CLOUD,
        ("source", "127.0.0.1:9"),
    ),
    "no administrator": (lambda c, lab: c.update(source=_as_tenant(lab, "source")), CLOUD, ("admin",)),
}


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_a_wrong_configuration_is_refused(lab, configured, name):
    change, code, words = CONFIGURATIONS[name]
    refused(lab, code, words, "migrate", "project", "acme-shop", "--yes", "--config", configured(change))


def test_a_configuration_that_is_not_yaml_is_refused(lab, tmp_path):
    file = tmp_path / "config.yaml"
    file.write_text("source: [\n")
    refused(lab, USAGE, (str(file), "line"), "plan", "--all", "--config", str(file))


def test_no_configuration_at_all_is_refused(lab, tmp_path):
    refused(lab, USAGE, ("nowhere.yaml",), "plan", "--all", "--config", str(tmp_path / "nowhere.yaml"))


SELECTIONS = {
    "unknown kind": (("teapot", "brown"), ("teapot",)),
    "unknown project": (("project", "acme-shpo"), ("acme-shpo",)),
    "unknown server": (("server", "shop-web-9"), ("shop-web-9",)),
}


@pytest.mark.parametrize("name", SELECTIONS)
def test_a_wrong_selection_is_refused(lab, name):
    words, said = SELECTIONS[name]
    refused(lab, USAGE, said, "migrate", *words, "--yes")


def test_an_ambiguous_name_is_refused(lab, untouched):
    """It says which ids there are to choose from."""
    neutron = lab.connect("source").network
    twins = [neutron.create_network(name="twin") for _ in range(2)]
    try:
        refused(lab, USAGE, [twin.id for twin in twins], "plan", "network", "twin")
    finally:
        for twin in twins:
            neutron.delete_network(twin)


def test_without_yes_and_a_terminal_nothing_happens(lab, untouched):
    refused(lab, REFUSED, ("--yes",), "migrate", "project", "acme-shop")


def test_what_was_never_migrated_cannot_be_committed(lab, untouched):
    refused(lab, REFUSED, ("acme-shop",), "commit", "project", "acme-shop", "--yes")


def test_a_full_quota_is_refused(lab, untouched):
    """Copies of volumes are made in the administrator's project: it must have room for them."""
    source = lab.connect("source")
    admin = named(untouched.inventories["source"], "project", "admin")["id"]
    before = get(source, "block_storage", f"/os-quota-sets/{admin}")["quota_set"]["snapshots"]
    source.block_storage.update_quota_set(admin, snapshots=0)
    try:
        refused(lab, REFUSED, ("quota", "snapshots"), "migrate", "project", "acme-shop", "--yes")
    finally:
        source.block_storage.update_quota_set(admin, snapshots=before)


def test_too_few_hosts_are_refused(lab, untouched):
    compute = lab.connect("destination").compute
    services = list(compute.services(binary="nova-compute"))
    for service in services:
        compute.disable_service(service, service.host, service.binary)
    try:
        refused(lab, REFUSED, ("hypervisor",), "migrate", "project", "acme-shop", "--yes")
    finally:
        for service in services:
            compute.enable_service(service, service.host, service.binary)


def test_a_server_in_error_is_refused(lab, untouched):
    compute = lab.connect("source").compute
    server = named(untouched.inventories["source"], "server", "lab-web-1")["id"]
    compute.reset_server_state(server, "error")
    try:
        refused(lab, REFUSED, ("lab-web-1", "ERROR"), "migrate", "server", "lab-web-1", "--yes")
    finally:
        compute.reset_server_state(server, "active")
