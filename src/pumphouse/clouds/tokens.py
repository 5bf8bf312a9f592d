"""Whose token it is, as a cloud's Keystone says."""

import hashlib
import re
import threading
from collections.abc import Callable
from datetime import datetime
from typing import Any

from keystoneauth1 import adapter as ksa_adapter

from pumphouse.api_policy import ApiPolicy
from pumphouse.clouds.bodies import decoded
from pumphouse.clouds.errors import from_answer, from_exception
from pumphouse.model import Caller, Role
from pumphouse.ports import Clock

KEPT = 30.0  # seconds that a good answer is believed; a token that was revoked is taken that long
ROOM = 1000  # answers kept
FORM = re.compile(r"[\w.=-]+", re.ASCII)  # of Fernet, JWS and UUID tokens


class KeystoneTokens:
    """Asks Keystone whose token it is, and what its roles allow; keeps hashes of tokens only.

    :param keystone: of the cloud, as its administrator.
    :param where: the cloud, for messages.
    :param project: gives the id of the project that a token must be scoped to.
    """

    def __init__(
        self,
        keystone: ksa_adapter.Adapter,
        where: str,
        api: ApiPolicy,
        project: Callable[[], str],
        clock: Clock,
    ) -> None:
        self._keystone, self._where = keystone, where
        self._api, self._project, self._clock = api, project, clock
        self._known: dict[str, tuple[Caller, float]] = {}
        self._lock = threading.Lock()

    def __call__(self, token: str) -> Caller | None:
        """Who has it; None when it does not hold, is of another project, or gives no role here.

        :raises pumphouse.errors.CloudError: when Keystone does not answer.
        """
        if not FORM.fullmatch(token):
            return None
        name, now = hashlib.sha256(token.encode()).hexdigest(), self._clock.now()
        with self._lock:
            known = self._known.get(name)
        if known and now < known[1]:
            return known[0]
        found = self._ask(token)
        caller = self._caller(found) if found else None
        if found and caller:
            ends = datetime.fromisoformat(found["expires_at"].replace("Z", "+00:00")).timestamp()
            if ends <= now:
                return None
            with self._lock:
                if len(self._known) >= ROOM:
                    self._known.clear()
                self._known[name] = caller, min(ends, now + KEPT)
        return caller

    def _ask(self, token: str) -> dict[str, Any] | None:
        where = f"{self._where} identity: GET /auth/tokens"
        try:
            answer = self._keystone.get(
                "/auth/tokens", headers={"X-Subject-Token": token}, raise_exc=False, log=False
            )
        except Exception as error:
            raise from_exception(where, error) from None
        if answer.status_code == 404:
            return None
        if answer.status_code >= 400:
            raise from_answer(where, answer)
        body: dict[str, Any] = decoded(answer)["token"]
        return body

    def _caller(self, token: dict[str, Any]) -> Caller | None:
        if token.get("project", {}).get("id") != self._project():
            return None
        roles = {role["name"] for role in token.get("roles", ())}
        allowed = [role for role in Role if roles & set(getattr(self._api.roles, role))]
        user = token["user"]
        return Caller(f"{user['name']}@{user['domain']['name']}", allowed[-1]) if allowed else None
