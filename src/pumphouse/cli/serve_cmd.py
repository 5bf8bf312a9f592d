"""``pumphouse serve`` and ``pumphouse conductor``."""

import argparse
import ipaddress
import os
import secrets
import socket
from typing import TYPE_CHECKING, Any

from cliff.command import Command

from pumphouse.cli.main import TOKEN
from pumphouse.errors import Refused, UsageError

if TYPE_CHECKING:
    from pumphouse.api.access import Tokens
    from pumphouse.api_policy import ApiPolicy
    from pumphouse.cli.main import App
    from pumphouse.config import Config
    from pumphouse.service.conductor import Conductor
    from pumphouse.service.desk import Desk


class Serve(Command):
    """Serve the HTTP API and the page: to users of a cloud, or to whoever has the token that is printed."""

    app: "App"

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Add where to listen."""
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "--listen", metavar="ADDRESS:PORT", help="Instead of 'api.listen' in config.yaml."
        )
        parser.add_argument(
            "--plain",
            action="store_true",
            help="Listen beyond loopback without TLS, because a proxy in between speaks it.",
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        """Serve until stopped."""
        uvicorn, create_app = _need_packages()
        from pumphouse.page.application import add_page
        from pumphouse.wiring import open_desk, open_tokens

        settings = self.app.settings()
        api = settings.api
        address, port = _listen(parsed_args.listen or api.listen, api, plain=parsed_args.plain)
        tokens = open_tokens(settings)
        with open_desk(settings) as desk:
            conductor = None if api.board else new_conductor(self.app, settings, desk)
            scheme = "https" if api.tls else "http"
            where = f"{scheme}://[{address}]:{port}" if ":" in address else f"{scheme}://{address}:{port}"
            self.app.say(f"serving {where}/v1; its description is at {where}/openapi.json")
            if tokens:
                self.app.say(f"tokens of the {api.cloud} cloud's Keystone are taken")
            else:
                tokens = self._one_token(where)
            tls = {"ssl_certfile": api.tls.certificate, "ssl_keyfile": api.tls.key} if api.tls else {}
            application = create_app(self.app.opener(settings), desk, tokens, conductor)
            options = uvicorn.Config(
                application,
                host=address,
                port=port,
                log_level="warning",
                access_log=False,
                server_header=False,
                proxy_headers=False,  # where a request came from is a fact of the audit trail
                timeout_graceful_shutdown=5,
                **tls,
            )
            server = uvicorn.Server(options)
            add_page(application, lambda: server.should_exit)
            server.run()

    def _one_token(self, where: str) -> "Tokens":
        from pumphouse.api.access import new_token, one_token

        given = os.environ.get(TOKEN)
        token = given or new_token()
        self.app.say(f"the token is in {TOKEN}" if given else f"token: {token}")
        self.app.say(f"the page: {where}/login" + ("" if given else f"?token={token}"))
        return one_token(token)


class Conduct(Command):
    """Carry out the jobs that are handed in through 'pumphouse serve', until stopped; any number may run."""

    app: "App"

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        """Work; SIGTERM and Ctrl-C stop jobs at their next safe points and leave them to other conductors."""
        from pumphouse.cli.running import stoppable
        from pumphouse.wiring import open_desk

        settings = self.app.settings()
        with open_desk(settings) as desk:
            conductor = new_conductor(self.app, settings, desk)
            self.app.say(f"conductor {conductor.name} waits for jobs")
            with stoppable(conductor.stop, self.app.say, lambda: None):
                conductor.run()


def new_conductor(app: "App", settings: "Config", desk: "Desk") -> "Conductor":
    """A conductor with a name of its own."""
    from pumphouse.service.conductor import Conductor

    name = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(2)}"
    return Conductor(desk.jobs, desk.board, app.opener(settings), name)


def _need_packages() -> tuple[Any, Any]:
    """What serves, and what makes the application."""
    try:
        import uvicorn

        from pumphouse.api.app import create_app
    except ModuleNotFoundError as error:
        raise UsageError(
            f"serving needs the Python package {error.name}",
            "Install it with: pip install 'pumphouse[serve]'.",
        ) from None
    return uvicorn, create_app


def _listen(text: str, api: "ApiPolicy", *, plain: bool) -> tuple[str, int]:
    """Address and port.

    :raises UsageError: when it is not that.
    :raises Refused: when others than this machine could reach it, and must not.
    """
    host, _, port = text.rpartition(":")
    try:
        address, number = ipaddress.ip_address(host.strip("[]")), int(port)
    except ValueError:
        raise UsageError(
            f"listen {text}: not ADDRESS:PORT", "For example: --listen 127.0.0.1:8780."
        ) from None
    if not 0 < number < 65536:
        raise UsageError(f"listen {text}: no such port", "Ports go from 1 to 65535.")
    for file in (api.tls.certificate, api.tls.key) if api.tls else ():
        if not file.is_file():
            raise UsageError(f"{file}: no such file", "Check 'api.tls' in config.yaml.")
    if not address.is_loopback and api.cloud is None:
        raise Refused(
            f"listen {text}: others could reach it, and nothing says who they are",
            "Name the cloud whose users may log in: 'api.cloud' in config.yaml.",
        )
    if not (address.is_loopback or api.tls or plain):
        raise Refused(
            f"listen {text}: others could reach it, and there is no TLS",
            "Give certificate and key ('api.tls' in config.yaml), or use --plain behind a proxy with TLS.",
        )
    return str(address), number
