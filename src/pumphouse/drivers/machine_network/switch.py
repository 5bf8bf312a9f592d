"""The interfaces of a switch, by netmiko: it speaks to the command lines of most switches by SSH."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import netmiko
from netmiko import exceptions
from paramiko.ssh_exception import SSHException
from pydantic import Field, field_validator

from pumphouse.errors import MachineNetworkError, Refused
from pumphouse.hooks import Strict
from pumphouse.hosts import Host, Switch
from pumphouse.ports import Clock

COMPLAINT = r"(?im)^\s*(%|\^|error|invalid|syntax error|unknown command)"


class SwitchSettings(Strict):
    """``hosts.network`` of type ``switch``; each host names its switch and interfaces in inventory.yaml.

    The lines are those of Cisco's IOS and its likes; for others, such as Junos, give your own, ``commit`` included.
    """

    vlan: int = Field(ge=1, le=4094, description="VLAN in which the deployment engine boots machines.")
    isolate: tuple[str, ...] = Field(
        ("interface {interface}", "switchport mode access", "switchport access vlan {vlan}"),
        min_length=1,
        description="Lines of configuration that put an interface into that VLAN alone.",
    )
    restore: tuple[str, ...] = Field(
        ("interface {interface}", "switchport mode trunk", "switchport trunk allowed vlan {vlans}"),
        min_length=1,
        description="Lines that put it back into the VLANs of its host; {vlans} are those, with commas.",
    )
    save: bool = Field(False, description="Whether the switch saves its configuration after each change.")

    @field_validator("isolate", "restore")
    @classmethod
    def _known_places(cls, lines: tuple[str, ...]) -> tuple[str, ...]:
        for line in lines:
            try:
                line.format(interface="", vlan="", vlans="")
            except (KeyError, ValueError, IndexError):
                raise ValueError(
                    "may hold {interface}, {vlan} and {vlans}; other braces are doubled"
                ) from None
        return lines


class SwitchNetwork:
    """See :class:`pumphouse.machines.MachineNetwork`.

    :param timeout: seconds until the switch answers, and for each of its answers.
    """

    Settings = SwitchSettings

    def __init__(self, settings: SwitchSettings, clock: Clock, timeout: float) -> None:
        self._settings = settings
        self._clock = clock
        self._timeout = timeout

    def check(self, host: Host) -> None:
        """Log in, and no more."""
        self._with(host, lambda connection: connection.find_prompt())

    def isolate(self, host: Host) -> None:
        """See the port."""
        self._configure(host, self._settings.isolate)

    def restore(self, host: Host) -> None:
        """See the port."""
        self._configure(host, self._settings.restore)

    def _configure(self, host: Host, lines: tuple[str, ...]) -> None:
        switch = _switch(host)
        values = {"vlan": self._settings.vlan, "vlans": ",".join(map(str, switch.vlans))}

        def send(connection: Any) -> None:
            for interface in switch.interfaces:
                self._clock.check()
                filled = [line.format(interface=interface, **values) for line in lines]
                connection.send_config_set(filled, error_pattern=COMPLAINT)
            if self._settings.save:
                connection.save_config()

        self._with(host, send)

    def _with(self, host: Host, work: Callable[[Any], Any]) -> None:
        """Do something with an open connection to the host's switch."""
        switch = _switch(host)
        where = f"host {host.name!r}: {switch.shown}"
        with _told(where), self._connect(switch) as connection:
            work(connection)

    def _connect(self, switch: Switch) -> Any:
        keys = {"alt_host_keys": True, "alt_key_file": str(switch.known_hosts)}
        return netmiko.ConnectHandler(
            device_type=switch.device_type,
            host=switch.address,
            port=switch.port,
            username=switch.username,
            password=switch.secret(),
            conn_timeout=self._timeout,
            auth_timeout=self._timeout,
            read_timeout_override=self._timeout,
            ssh_strict=True,
            **(keys if switch.known_hosts else {"system_host_keys": True}),
        )


def _switch(host: Host) -> Switch:
    if host.switch is None:
        raise Refused(
            f"inventory.yaml does not say which switch host {host.name!r} is plugged into",
            "Add 'switch', or leave hosts.network out of config.yaml.",
        )
    return host.switch


@contextmanager
def _told(where: str) -> Iterator[None]:
    """What netmiko raises, in one line; it never holds the password."""
    try:
        yield
    except exceptions.NetmikoAuthenticationException:
        raise MachineNetworkError(
            f"{where}: user name or password is not accepted", "Check them in inventory.yaml."
        ) from None
    except exceptions.ConfigInvalidException as error:
        raise MachineNetworkError(
            f"{where}: it refuses a line: {_line(error)}",
            "Check 'isolate' and 'restore' of hosts.network in config.yaml.",
        ) from None
    except ValueError as error:  # no such device type
        raise MachineNetworkError(
            f"{where}: {_line(error)}", "Check 'device_type' in inventory.yaml."
        ) from None
    except (SSHException, exceptions.NetmikoBaseException, OSError, EOFError) as error:
        said = str(error)
        if "TCP connection" in said or "DNS failure" in said:
            raise MachineNetworkError(f"{where}: nothing answers", "Check its address and port.") from None
        if "known_hosts" in said or "ost key" in said:
            raise MachineNetworkError(
                f"{where}: its host key is unknown, or has changed",
                "Prove the key, then add it to the file of 'known_hosts': ssh-keyscan -p PORT ADDRESS.",
            ) from None
        raise MachineNetworkError(f"{where}: {_line(error)}") from None


def _line(error: Exception) -> str:
    """Its first words."""
    return " ".join(str(error).split())[:200] or type(error).__name__
