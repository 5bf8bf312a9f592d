"""The configuration as it is shown: what is secret is not in it."""

from pumphouse.config import Config
from pumphouse.service.settings import settings

SECRETS = ("hunter2", "opensesame", "swordfish", "letmein")
CONFIG = Config.model_validate(
    {
        "source": {
            "auth": {
                "auth_url": "http://old:5000/v3",
                "username": "admin",
                "password": "hunter2",
                "project_name": "x",
            },
            "identity": {"connection": "mysql+pymysql://keystone:opensesame@db/keystone"},
        },
        "destination": {
            "cloud": "new",
            "deployment": {"type": "command", "program": "/x", "password": "swordfish"},
        },
        "ledger": "postgresql+psycopg://pumphouse:letmein@db/ledger",
        "api": {"board": "redis://:letmein@board:6379/0"},
        "policy": {
            "concurrency": 7,
            "hooks": {"plan_accepted": [{"command": ["/usr/bin/tell", "--token", "swordfish"]}]},
            "health": [{"type": "http", "url": "http://{address}/ok?key=swordfish"}],
            "overrides": [{"server": "web*", "health": [{"type": "command", "command": ["ask", "hunter2"]}]}],
        },
    }
)


def test_no_secret_is_shown() -> None:
    text = "\n".join(f"{each.path} {each.value}" for each in settings(CONFIG))
    assert not [secret for secret in SECRETS if secret in text]
    assert "tell" in text and "web*" in text and "postgresql database 'ledger' at db" in text


def test_what_was_given_is_told_from_what_is_so_by_itself() -> None:
    found = {each.path: each for each in settings(CONFIG)}
    assert (found["policy.concurrency"].value, found["policy.concurrency"].given) == ("7", True)
    assert not found["policy.transfers"].given
    assert found["source.auth.password"].value == "set, not shown"
    assert found["destination.deployment"].value.startswith("command;")
