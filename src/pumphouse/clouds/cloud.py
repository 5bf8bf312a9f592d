"""The Cloud port over keystoneauth adapters: paging, microversions, the only retry of short faults."""

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import requests
from keystoneauth1 import adapter as ksa_adapter
from keystoneauth1 import exceptions
from keystoneauth1 import session as ksa_session

from pumphouse.clouds.bodies import Sized, decoded, may_retry, next_page
from pumphouse.clouds.errors import from_answer, from_exception
from pumphouse.errors import CloudError, Missing
from pumphouse.ports import Clock, Endpoint, Json, Version

CHUNK = 1 << 20  # bytes read from an image at once
TRIES = 4  # of a request that meets a short fault
# The API versions Pumphouse speaks; microversions beyond these were not read for what they change.
VERSIONS = {
    "identity": "3",
    "compute": "2.1",
    "image": "2",
    "network": "2.0",
    "block-storage": "3",
    "placement": "1",
    "baremetal": "1",
}
MICROVERSIONS = {
    "compute": (2, 100),
    "block-storage": (3, 70),
    "placement": (1, 36),
    "baremetal": (1, 94),
}


@dataclass(frozen=True)
class Scope:
    """Whom to act as: a project, and a user when it is not the administrator."""

    project_id: str
    user_id: str | None = None
    password: str | None = None


class OpenStackCloud:
    """See :class:`pumphouse.ports.Cloud`.

    :param login: address and user name of the administrator, for messages.
    """

    def __init__(
        self,
        role: str,
        open_session: Callable[[Scope | None], ksa_session.Session],
        clock: Clock,
        *,
        region: str | None,
        interface: str,
        login: str,
        scope: Scope | None = None,
        calls: Counter[str] | None = None,
    ) -> None:
        self.role = role
        self.calls: Counter[str] = Counter() if calls is None else calls
        self._open_session = open_session
        self._clock = clock
        self._region = region
        self._interface = interface
        self._login = login
        self._session = open_session(scope)
        self._adapters: dict[str, ksa_adapter.Adapter] = {}
        self._microversions: dict[str, tuple[int, int] | None] = {}
        self._lock = threading.RLock()

    # --- who we are -----------------------------------------------------------------------------
    @property
    def user_id(self) -> str:
        """The user we are."""
        return str(self._identity("user_id"))

    @property
    def project_id(self) -> str:
        """The project we work in."""
        return str(self._identity("project_id"))

    def _identity(self, name: str) -> Any:
        return getattr(self._access(), name)

    def _access(self) -> Any:
        plugin: Any = self._session.auth
        try:
            return plugin.get_access(self._session)
        except Exception as error:
            raise from_exception(f"{self.role} cloud: log in at {self._login}", error) from None

    def as_project(
        self, project_id: str, user_id: str | None = None, password: str | None = None
    ) -> "OpenStackCloud":
        """See the port."""
        scope = Scope(project_id, user_id, password)
        return OpenStackCloud(
            self.role,
            self._open_session,
            self._clock,
            region=self._region,
            interface=self._interface,
            login=self._login,
            scope=scope,
            calls=self.calls,
        )

    # --- requests -------------------------------------------------------------------------------
    def get(self, service: str, path: str, **query: Any) -> Json:
        """See the port."""
        body = decoded(self._request(service, "GET", path, params=query))
        if body is None:  # a page of a proxy, perhaps
            raise CloudError(
                f"{self.role} {service}: GET {path}: the answer is not that of an OpenStack service"
            )
        return body

    def find(self, service: str, path: str, **query: Any) -> Json | None:
        """See the port."""
        try:
            return self.get(service, path, **query)
        except Missing:
            return None

    def pages(self, service: str, path: str, many: str, **query: Any) -> Iterator[dict[str, Any]]:
        """See the port."""
        while True:
            page = self.get(service, path, **query)
            yield from page[many]
            following = next_page(page, many)
            if not following:
                return
            query = dict(parse_qsl(urlsplit(following).query))

    def post(self, service: str, path: str, body: Json = None) -> Json:
        """See the port."""
        return decoded(self._request(service, "POST", path, json=body))

    def put(self, service: str, path: str, body: Json = None) -> Json:
        """See the port."""
        return decoded(self._request(service, "PUT", path, json=body))

    def patch(self, service: str, path: str, body: Json, content_type: str = "application/json") -> Json:
        """See the port."""
        return decoded(
            self._request(service, "PATCH", path, json=body, headers={"Content-Type": content_type})
        )

    def delete(self, service: str, path: str) -> bool:
        """See the port."""
        try:
            self._request(service, "DELETE", path)
        except Missing:
            return False
        return True

    # --- image data -----------------------------------------------------------------------------
    @contextmanager
    def download(self, path: str, start: int = 0) -> Iterator[Iterator[bytes]]:
        """See the port."""
        headers = {"Range": f"bytes={start}-"} if start else {}
        response = self._request("image", "GET", path, headers=headers, stream=True)
        skip = 0 if response.status_code == 206 else start  # a store that knows no ranges sends it all
        try:
            yield self._chunks(response, path, skip)
        finally:
            response.close()

    def _chunks(self, response: requests.Response, path: str, skip: int) -> Iterator[bytes]:
        try:
            for chunk in response.iter_content(CHUNK):
                if skip >= len(chunk):
                    skip -= len(chunk)
                    continue
                yield chunk[skip:] if skip else chunk
                skip = 0
        except (requests.exceptions.RequestException, OSError) as error:
            raise from_exception(f"{self.role} image: GET {path}", error) from None

    def upload(self, path: str, chunks: Iterable[bytes], size: int) -> None:
        """See the port."""
        headers = {"Content-Type": "application/octet-stream", "Accept": "application/json"}
        # Never sent again by itself: the chunks are gone once read.
        self._request("image", "PUT", path, data=Sized(chunks, size), headers=headers, tries=1)

    # --- what the cloud is ----------------------------------------------------------------------
    def microversion(self, service: str) -> str | None:
        """See the port."""
        found = self._microversion(service)
        return f"{found[0]}.{found[1]}" if found else None

    def supports(self, service: str, microversion: str) -> bool:
        """See the port."""
        major, minor = microversion.split(".")
        found = self._microversion(service)
        return found is not None and found >= (int(major), int(minor))

    def catalog(self) -> tuple[Endpoint, ...]:
        """See the port."""
        services = self._access().service_catalog.catalog
        return tuple(
            Endpoint(s["type"], s.get("name", ""), e.get("region", ""), e["interface"], e["url"])
            for s in services
            for e in s["endpoints"]
        )

    def versions(self, service: str) -> tuple[Version, ...]:
        """See the port."""
        self._endpoint(service)
        found = self._session.get_all_version_data(
            interface=self._interface, region_name=self._region, service_type=service
        )
        return tuple(
            Version(
                f"v{data.version}",
                data.raw_status or "",
                str(data.min_microversion or ""),
                str(data.max_microversion or ""),
            )
            for interfaces in found.values()
            for services in interfaces.values()
            for versions in services.values()
            for data in versions
        )

    def date(self, service: str) -> float | None:
        """See the port."""
        path = {"identity": "/auth/catalog", "image": "/schemas/image", "network": "/extensions"}[service]
        header = self._request(service, "GET", path).headers.get("Date")
        return parsedate_to_datetime(header).timestamp() if header else None

    def _adapter(self, service: str) -> ksa_adapter.Adapter:
        with self._lock:
            if service not in self._adapters:
                version = VERSIONS[service]
                self._adapters[service] = ksa_adapter.Adapter(
                    self._session,
                    service_type=service,
                    interface=self._interface,
                    region_name=self._region,
                    min_version=version,
                    max_version=f"{version.split('.')[0]}.latest",
                )
            return self._adapters[service]

    def _endpoint(self, service: str) -> Any:
        where = f"{self.role} {service}"
        try:
            data = self._adapter(service).get_endpoint_data()
        except Exception as error:
            raise from_exception(where, error) from None
        if data is None:
            raise Missing(
                f"{where}: no such service in the catalog, or not in the version needed", status=404
            )
        return data

    def _microversion(self, service: str) -> tuple[int, int] | None:
        if service not in MICROVERSIONS:
            return None
        with self._lock:
            if service not in self._microversions:
                offered: Any = self._endpoint(service).max_microversion
                self._microversions[service] = min(offered, MICROVERSIONS[service]) if offered else None
            return self._microversions[service]

    def _request(
        self, service: str, method: str, path: str, *, tries: int = TRIES, **options: Any
    ) -> requests.Response:
        where = f"{self.role} {service}: {method} {path.split('?', maxsplit=1)[0]}"
        options["microversion"] = self.microversion(service)
        for attempt in range(1, tries + 1):
            self.calls[service] += 1
            error = None
            try:
                response: requests.Response = self._adapter(service).request(
                    path, method, raise_exc=False, log=False, **options
                )
            except (exceptions.ClientException, requests.exceptions.RequestException, OSError) as fault:
                error, retry = from_exception(where, fault), may_retry(method, fault)
            else:
                if response.status_code < 400:
                    return response
                error = from_answer(where, response)
                # 502 and 504 leave open whether a POST was carried out: whoever asked looks again.
                retry = response.status_code in ((429, 503) if method == "POST" else (429, 502, 503, 504))
            if not retry or attempt == tries:
                raise error
            self._clock.sleep(0.5 * 2**attempt)
        raise CloudError(f"{where}: gave up")  # pragma: no cover - the loop always returns or raises
