"""How long an answer of Keystone is believed; what Keystone answers is proven in tests/lab/features/test_api.py."""

import json
from datetime import UTC, datetime

import pytest
import requests
from fakes import FakeClock

from pumphouse.api_policy import ApiPolicy, Roles
from pumphouse.clouds.tokens import KEPT, KeystoneTokens
from pumphouse.errors import Unreachable
from pumphouse.model import Caller, Role


class Keystone:
    """Answers as Keystone does for one token, as long as that lasts."""

    def __init__(self, clock, lasts, roles=("member", "reader"), project="p1"):
        self.clock, self.ends = clock, clock.now() + lasts
        self.roles, self.project, self.asked = roles, project, 0

    def get(self, path, headers, **_):
        self.asked += 1
        answer = requests.Response()
        known = headers["X-Subject-Token"] == "t0ken" and self.clock.now() < self.ends
        answer.status_code = 200 if known else 404
        body = {
            "user": {"name": "ann", "domain": {"name": "Acme"}},
            "project": {"id": self.project},
            "roles": [{"name": name} for name in self.roles],
            "expires_at": datetime.fromtimestamp(self.ends, UTC).isoformat().replace("+00:00", "Z"),
        }
        answer._content = json.dumps({"token": body}).encode()
        return answer


def tokens(keystone, **api):
    return KeystoneTokens(keystone, "destination", ApiPolicy(**api), lambda: "p1", keystone.clock)


def test_an_answer_is_believed_for_a_while_and_not_longer_than_the_token_lasts():
    keystone = Keystone(FakeClock(), KEPT + 5)
    ask = tokens(keystone)
    assert [ask("t0ken"), ask("t0ken")] == [Caller("ann@Acme", Role.OPERATOR)] * 2
    assert keystone.asked == 1
    keystone.clock.sleep(KEPT + 1)
    assert ask("t0ken") and keystone.asked == 2
    keystone.clock.sleep(4.5)
    assert ask("t0ken") is None and keystone.asked == 3


@pytest.mark.parametrize("token", ["", "a b", "ü", "x\r\nX-Auth-Token: y", "../../v3/users"])
def test_what_is_no_token_is_not_sent_to_keystone(token):
    keystone = Keystone(FakeClock(), 3600)
    assert tokens(keystone)(token) is None and keystone.asked == 0


def test_a_role_in_another_project_counts_for_nothing():
    assert tokens(Keystone(FakeClock(), 3600, ("admin",), "p2"))("t0ken") is None


def test_the_highest_of_the_roles_counts():
    keystone = Keystone(FakeClock(), 3600, ("reader", "boss"))
    assert tokens(keystone, roles=Roles(approver=("boss",)))("t0ken") == Caller("ann@Acme", Role.APPROVER)
    assert tokens(Keystone(FakeClock(), 3600, ("other",)))("t0ken") is None


def test_no_answer_is_not_a_refusal():
    keystone = Keystone(FakeClock(), 3600)
    keystone.get = lambda *_, **__: (_ for _ in ()).throw(requests.ConnectionError())
    with pytest.raises(Unreachable):
        tokens(keystone)("t0ken")
