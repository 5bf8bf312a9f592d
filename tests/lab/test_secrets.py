"""No password, hash, token or address of a database in anything that Pumphouse writes, prints or shows of itself."""

import sqlite3

import pytest
import yaml

TOKEN = b"gAAAA"
SIDES = ("source", "destination")


@pytest.fixture(scope="module")
def secrets(lab):
    clouds = yaml.safe_load((lab.home / "clouds.yaml").read_text())["clouds"]
    passwords = {each["auth"]["password"] for each in clouds.values()}
    passwords |= {each["password"] for each in lab.manifest["users"]}
    config = yaml.safe_load(lab.config.read_text())
    passwords |= {config[side]["identity"]["connection"] for side in SIDES}
    return {password.encode() for password in passwords | hashes(lab)} | {TOKEN}


def hashes(lab):
    """Everything by which Keystones check passwords and secrets."""
    found = set()
    for side in SIDES:
        with sqlite3.connect(f"file:{lab.home}/{side}/db/keystone.sqlite?mode=ro", uri=True) as tables:
            found |= {row[0] for row in tables.execute("SELECT password_hash FROM password")}
            found |= {row[0] for row in tables.execute("SELECT secret_hash FROM application_credential")}
        tables.close()
    return found


def leaks(secrets, files):
    return [str(file) for file in files for secret in secrets if secret in file.read_bytes()]


def test_logs_hold_no_secret(lab, interrupted, secrets):
    files = [file for file in (lab.home / "logs").rglob("*") if file.is_file()]
    assert files
    assert leaks(secrets, files) == []


def test_the_ledger_holds_no_secret(lab, interrupted, secrets):
    """Its raw bytes: all tables, and what was deleted from them."""
    files = list(lab.home.glob("ledger.sqlite*"))
    assert files
    assert leaks(secrets, files) == []


def test_plan_and_report_hold_no_secret(lab, interrupted, secrets, tmp_path):
    lab.run("plan", "project", "acme-shop", "-o", str(tmp_path / "plan.yaml"))
    page, data = tmp_path / "report.html", tmp_path / "report.json"
    lab.run("report", "project", "acme-shop", "acme-lab", "--html", str(page), "--json", str(data))
    assert len(list(tmp_path.iterdir())) == 3
    assert leaks(secrets, tmp_path.iterdir()) == []


def test_nothing_printed_holds_a_secret(lab, interrupted, secrets):
    printed = "\n".join(lab.printed).encode()
    assert "acme-shop" in printed.decode()
    assert [secret for secret in secrets if secret in printed] == []


def test_process_titles_hold_no_secret(lab, interrupted, secrets):
    assert lab.titles
    assert [secret for secret in secrets for title in lab.titles if secret in title] == []
