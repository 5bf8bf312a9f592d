"""Sessions with a cloud: as the administrator configured, in another project, or as another user."""

import os
from typing import Any

import openstack.config
import openstack.exceptions
from keystoneauth1 import adapter as ksa_adapter
from keystoneauth1 import http_basic, noauth
from keystoneauth1 import session as ksa_session
from keystoneauth1.identity import v3

from pumphouse.clouds.cloud import OpenStackCloud, Scope
from pumphouse.config import CloudConfig, Config
from pumphouse.errors import ConfigError
from pumphouse.ports import Clock
from pumphouse.standalone import EngineService

CONNECT_TIMEOUT = 60  # seconds without a byte before a request is given up


def connect(config: Config, role: str, clock: Clock) -> OpenStackCloud:
    """The cloud with this role, as its administrator. Nothing is sent before the first request.

    :raises ConfigError: when the clouds.yaml entry is missing or lacks a user name and password.
    """
    cloud: CloudConfig = getattr(config, role)
    region, auth = _credentials(config, cloud, role)
    return OpenStackCloud(
        role,
        lambda scope: _session(region, auth, scope),
        clock,
        region=region.region_name or None,
        interface=cloud.interface or region.config.get("interface") or "public",
        login=f"{auth['auth_url']} as {auth.get('username') or auth['user_id']}",
    )


def keystone(config: Config, role: str) -> ksa_adapter.Adapter:
    """Keystone of a cloud, as its administrator. Nothing is sent before the first request.

    :raises ConfigError: see :func:`connect`.
    """
    cloud: CloudConfig = getattr(config, role)
    region, auth = _credentials(config, cloud, role)
    return ksa_adapter.Adapter(
        _session(region, auth, None),
        service_type="identity",
        interface=cloud.interface or region.config.get("interface") or "public",
        region_name=region.region_name or None,
        min_version="3",
        max_version="3.latest",
    )


def _credentials(config: Config, cloud: CloudConfig, role: str) -> tuple[Any, dict[str, Any]]:
    region = _region(config, cloud, role)
    auth = dict(region.config.get("auth") or {})
    if not auth.get("password") or not (auth.get("username") or auth.get("user_id")):
        raise ConfigError(
            f"{role}: the credentials lack a user name or a password",
            "Pumphouse acts in the projects it moves, which only a user name and password of an "
            "administrator allow; application credentials and tokens are bound to one project.",
        )
    return region, auth


def _session(region: Any, auth: dict[str, Any], scope: Scope | None) -> ksa_session.Session:
    verify, cert = region.get_requests_verify_args()
    return ksa_session.Session(
        auth=_plugin(auth, scope), verify=verify, cert=cert, app_name="pumphouse", timeout=CONNECT_TIMEOUT
    )


def connect_standalone(role: str, service: EngineService, clock: Clock) -> OpenStackCloud:
    """A service without Keystone, as a cloud that has nothing else. Nothing is sent before the first request.

    :param role: of the cloud that it works for.
    :param service: with a ``url``.
    """
    assert service.url is not None
    endpoint = service.url.rstrip("/")
    verify = str(service.cacert) if service.cacert else service.verify

    def open_session(scope: Scope | None) -> ksa_session.Session:
        if service.username is None:
            plugin: Any = noauth.NoAuth(endpoint=endpoint)
        else:
            plugin = http_basic.HTTPBasicAuth(endpoint, service.username, service.secret())
        return ksa_session.Session(auth=plugin, verify=verify, app_name="pumphouse", timeout=CONNECT_TIMEOUT)

    return OpenStackCloud(role, open_session, clock, region=None, interface="public", login=endpoint)


def _region(config: Config, cloud: CloudConfig, role: str) -> Any:
    """The SDK's view of the entry, with what config.yaml says on top of it."""
    overrides: dict[str, Any] = {"verify": cloud.verify}
    if cloud.region_name:
        overrides["region_name"] = cloud.region_name
    if cloud.cacert:
        overrides["cacert"] = str(cloud.cacert)
    if cloud.auth:
        values = cloud.auth.model_dump()
        values["password"] = cloud.auth.password.get_secret_value()
        loader = openstack.config.OpenStackConfig(
            config_files=[], vendor_files=[], secure_files=[], load_envvars=False
        )
        return loader.get_one(auth=values, auth_type="password", **overrides)
    files = [str(config.clouds_file)] if config.clouds_file else None
    if files and not os.path.isfile(files[0]):
        raise ConfigError(f"{files[0]}: no such file (clouds_file in config.yaml)")
    try:
        loader = openstack.config.OpenStackConfig(config_files=files, load_envvars=False)
        return loader.get_one(cloud=cloud.cloud, **overrides)
    except openstack.exceptions.ConfigException as error:
        raise ConfigError(f"{role}: {error}", "Check 'cloud' in config.yaml against clouds.yaml.") from None


def _plugin(auth: dict[str, Any], scope: "Scope | None") -> v3.Password:
    known = {
        name: auth[name]
        for name in ("username", "user_id", "password", "user_domain_name", "user_domain_id")
        if auth.get(name)
    }
    for name in ("user_domain_name", "user_domain_id", "project_domain_name", "project_domain_id"):
        if name not in known and auth.get(name):
            known[name] = auth[name]
    if scope is None:
        project = {n: auth[n] for n in ("project_name", "project_id") if auth.get(n)}
        return v3.Password(auth["auth_url"], **known, **project)
    known = {n: value for n, value in known.items() if not n.startswith("project")}
    if scope.user_id:
        known = {"user_id": scope.user_id, "password": scope.password}
    return v3.Password(auth["auth_url"], **known, project_id=scope.project_id)
