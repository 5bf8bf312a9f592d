"""Fuel's HTTP interface: tokens, and answers that each release words in its own way."""

import json
import re
from typing import Any

import requests

from pumphouse.drivers.provision.fuel.settings import FuelSettings
from pumphouse.errors import EngineLoginError, EngineUnreachable, ProvisionError
from pumphouse.ports import Clock

SECONDS = 60.0  # for one answer; lists of large environments take long
ATTEMPTS = 3  # of a question; nodes that are being removed answer 500 for a moment
PAUSE = 1.0
KEPT = 300  # characters of an error, for the message
NO_V2 = (300, 404, 410)
UNAUTHORIZED, NOT_FOUND, SERVER_ERROR = 401, 404, 500


class Answered(ProvisionError):
    """Fuel refused a request.

    :param status: HTTP status; not the same in all releases.
    """

    def __init__(self, message: str, status: int, words: str) -> None:
        super().__init__(message, "Look at Fuel's own log, /var/log/nailgun on the master.")
        self.status = status
        self.words = words


class Nailgun:
    """One master. Logs in when it is asked to, again when the token is too old, and never sooner."""

    def __init__(self, settings: FuelSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._url = settings.url.rstrip("/")
        self._session = requests.Session()
        # a proxy of the environment would be no way to an admin network; .netrc would replace the token
        self._session.trust_env = False
        self._session.verify = str(settings.cacert) if settings.cacert else settings.verify
        self._session.headers["Accept"] = "application/json"

    def get(self, path: str, **query: Any) -> Any:
        """What is there; asked again when the master is not itself for a moment."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return self._ask("GET", path, query=query)
            except EngineUnreachable:
                if attempt == ATTEMPTS:
                    raise
            except Answered as answered:
                if answered.status < SERVER_ERROR or attempt == ATTEMPTS:
                    raise
            self._clock.sleep(PAUSE)
        raise AssertionError("unreachable")

    def find(self, path: str) -> Any:
        """The same; None when it is not there."""
        try:
            return self.get(path)
        except Answered as answered:
            if answered.status == NOT_FOUND:
                return None
            raise

    def post(self, path: str, body: Any) -> Any:
        """Sent once."""
        return self._ask("POST", path, body)

    def put(self, path: str, body: Any = None) -> Any:
        """Sent once."""
        return self._ask("PUT", path, body)

    def _ask(self, method: str, path: str, body: Any = None, query: dict[str, Any] | None = None) -> Any:
        answer = self._send(method, f"/api{path}", body, query)
        if answer.status_code == UNAUTHORIZED:
            self._log_in()
            answer = self._send(method, f"/api{path}", body, query)
        if answer.status_code == UNAUTHORIZED:
            raise EngineLoginError(f"{self._settings.shown} does not accept its own Keystone's token")
        if answer.is_redirect:
            raise ProvisionError(
                f"{self._settings.shown} sends its clients to {answer.headers['Location']}",
                "Set 'url' of the deployment to that master's address.",
            )
        if not answer.ok:
            words = _words(answer)
            what = f"{self._settings.shown}: {method} {path}: {answer.status_code} {words}"
            raise Answered(what, answer.status_code, words)
        return _parsed(answer.text)

    def _send(
        self, method: str, path: str, body: Any, query: dict[str, Any] | None = None
    ) -> requests.Response:
        try:
            return self._session.request(
                method,
                self._url + path,
                params=query,
                data=None if body is None else json.dumps(body),
                headers={"Content-Type": "application/json"} if method != "GET" else None,
                timeout=SECONDS,
                allow_redirects=False,  # a redirected POST would lose its body
            )
        except requests.RequestException as error:
            raise EngineUnreachable(
                f"{self._settings.shown} does not answer: {_reason(error)}", "Check 'url' of the deployment."
            ) from None

    def _log_in(self) -> None:
        """A new token, by v2.0 of Keystone, which all releases have; by v3 where it is gone."""
        self._session.headers.pop("X-Auth-Token", None)
        answer = self._send("POST", "/keystone/v2.0/tokens", self._v2())
        if answer.status_code in NO_V2:
            answer = self._send("POST", "/keystone/v3/auth/tokens", self._v3())
        if answer.status_code == UNAUTHORIZED:
            raise EngineLoginError(
                f"{self._settings.shown} does not accept user {self._settings.username!r} and its password",
                "Check 'username', 'project' and the password of the deployment.",
            )
        if not answer.ok:
            raise ProvisionError(
                f"{self._settings.shown}: its Keystone gives no token: {answer.status_code} {_words(answer)}"
            )
        token = answer.headers.get("X-Subject-Token") or _parsed(answer.text)["access"]["token"]["id"]
        self._session.headers["X-Auth-Token"] = token

    def _v2(self) -> dict[str, Any]:
        settings = self._settings
        login = {"username": settings.username, "password": settings.secret()}
        return {"auth": {"tenantName": settings.project, "passwordCredentials": login}}

    def _v3(self) -> dict[str, Any]:
        settings, domain = self._settings, {"name": "Default"}
        user = {"name": settings.username, "domain": domain, "password": settings.secret()}
        scope = {"project": {"name": settings.project, "domain": domain}}
        return {"auth": {"identity": {"methods": ["password"], "password": {"user": user}}, "scope": scope}}


def _parsed(text: str) -> Any:
    """JSON; nothing for ``None`` of old releases; once more for what 9.2 wraps twice."""
    if text in ("", "None"):
        return None
    try:
        value = json.loads(text)
        return json.loads(value) if isinstance(value, str) and value.startswith("{") else value
    except ValueError:
        raise ProvisionError(
            f"Fuel's answer is not JSON: {text[:KEPT]!r}", "Check 'url' of the deployment."
        ) from None


def _words(answer: requests.Response) -> str:
    """What it says of an error, whatever the release wraps that in."""
    try:
        value = answer.json()
        text = str(value["message"] if isinstance(value, dict) and "message" in value else value)
    except ValueError:
        text = re.sub(r"<[^>]+>", " ", answer.text)
    return " ".join(text.split())[:KEPT]


def _reason(error: requests.RequestException) -> str:
    """The last cause: requests wraps them in several layers of names."""
    cause: BaseException = error
    while cause.__cause__ or cause.__context__:
        cause = cause.__cause__ or cause.__context__ or cause
    return getattr(cause, "strerror", None) or str(cause)
