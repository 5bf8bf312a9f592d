"""The lab's commands: ``pumphouse lab up | status | populate | down | reset``."""

import argparse
import dataclasses
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from cliff.command import Command
from cliff.lister import Lister

from pumphouse.lab import lab
from pumphouse.lab.cloud import CLOUD_NAMES
from pumphouse.lab.engines import ENGINES
from pumphouse.lab.fuel.releases import RELEASES as FUEL_RELEASES
from pumphouse.lab.home import default_home
from pumphouse.lab.releases import RELEASES


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def _with_home(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    parser.add_argument(
        "--home",
        metavar="DIR",
        type=lambda text: Path(text).expanduser().absolute(),
        default=default_home(),
        help="where the lab lives (default: $PUMPHOUSE_LAB_HOME, or %(default)s)",
    )
    return parser


class Up(Command):
    """Start both clouds of the lab, or what of them is not running."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Options; those not given keep what the lab was made with."""
        parser = _with_home(super().get_parser(prog_name))
        releases = f"one of {', '.join(RELEASES)}"
        parser.add_argument("--source", metavar="RELEASE", help=f"{releases} (default: zed)")
        parser.add_argument("--destination", metavar="RELEASE", help=f"{releases} (default: 2026.2)")
        parser.add_argument("--source-hosts", metavar="N", type=_positive, help="compute hosts (default: 3)")
        parser.add_argument(
            "--destination-hosts", metavar="N", type=_positive, help="compute hosts (default: 1)"
        )
        parser.add_argument(
            "--base-port",
            metavar="N",
            type=_positive,
            help="Keystone's port of the source; the destination's is 10000 higher (default: 15000)",
        )
        parser.add_argument(
            "--host-vcpus", metavar="N", type=_positive, help="processors of a compute host (default: plenty)"
        )
        parser.add_argument(
            "--host-memory", metavar="MIB", type=_positive, help="memory of a compute host (default: plenty)"
        )
        _add_machine_options(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        """Start, then say where everything is."""
        home = parsed_args.home
        for cloud in lab.up(home, vars(parsed_args), _say):
            self.app.stdout.write(f"{cloud.name:12} {cloud.release.name:8} {cloud.auth_url}\n")
        self.app.stdout.write(
            f"clouds       {home / 'clouds.yaml'}\n"
            f"config       {home / 'config.yaml'}\n"
            f"next         pumphouse lab populate --home {home}\n"
            f"             OS_CLIENT_CONFIG_FILE={home / 'clouds.yaml'}"
            " openstack --os-cloud pumphouse-source server list\n"
        )


class Status(Lister):
    """List the services of the lab: version, state, process, port, memory and log."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Only where the lab is."""
        return _with_home(super().get_parser(prog_name))

    def take_action(self, parsed_args: argparse.Namespace) -> tuple[tuple[str, ...], Iterable[Any]]:
        """One row per service."""
        titles = ("Cloud", "Service", "Release", "Version", "State", "PID", "Port", "Memory MiB", "Log")
        return titles, (dataclasses.astuple(each) for each in lab.status(parsed_args.home))


class Populate(Command):
    """Fill the source with projects, networks, images, volumes and servers to migrate."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """How much of everything; the same seed makes the same cloud."""
        parser = _with_home(super().get_parser(prog_name))
        parser.add_argument("--seed", metavar="N", type=int, default=1, help="(default: %(default)s)")
        parser.add_argument(
            "--projects", metavar="N", type=_positive, default=2, help="(default: %(default)s)"
        )
        parser.add_argument(
            "--servers", metavar="N", type=_positive, default=4, help="(default: %(default)s)"
        )
        parser.add_argument(
            "--disk-mib", metavar="N", type=_positive, default=16, help="data per disk (default: %(default)s)"
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        """Populate, then say where the list of what was made is."""
        from pumphouse.lab.populate import populate

        manifest = populate(
            parsed_args.home,
            seed=parsed_args.seed,
            projects=parsed_args.projects,
            servers=parsed_args.servers,
            disk_mib=parsed_args.disk_mib,
            say=_say,
        )
        self.app.stdout.write(f"manifest     {manifest}\n")


class Down(Command):
    """Stop both clouds of the lab; what they hold is kept."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Only where the lab is."""
        return _with_home(super().get_parser(prog_name))

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        """Stop every process of the lab."""
        lab.down(parsed_args.home, _say)


class Reset(Command):
    """Stop both clouds of the lab, or one, and delete all they hold."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Where the lab is, and which cloud."""
        parser = _with_home(super().get_parser(prog_name))
        parser.add_argument("--only", choices=CLOUD_NAMES, help="empty this cloud; leave the other as it is")
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        """Stop, then put the state of the first start back."""
        lab.reset(parsed_args.home, _say, parsed_args.only)


def _add_machine_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--machines",
        action="store_true",
        default=None,
        help="let every compute host stand on a machine with a BMC that can be re-installed",
    )
    parser.add_argument("--bmc", choices=("ipmi", "redfish"), help="of the machines (default: ipmi)")
    parser.add_argument("--engine", choices=tuple(ENGINES), help="installs the machines (default: command)")
    parser.add_argument("--fuel-release", choices=tuple(FUEL_RELEASES), help="of engine fuel (default: 9.2)")
    parser.add_argument(
        "--boot-seconds", metavar="N", type=float, help="from power to an operating system (default: 2)"
    )
    parser.add_argument(
        "--controllers",
        metavar="N",
        type=_positive,
        help="machines that are the source's controllers (default: 0)",
    )


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not 1 or more")
    return number
