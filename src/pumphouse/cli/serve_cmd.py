"""``pumphouse serve``."""

import argparse
import ipaddress
import os
from typing import TYPE_CHECKING

from cliff.command import Command

from pumphouse.errors import Refused, UsageError
from pumphouse.events import Bus

if TYPE_CHECKING:
    from pumphouse.cli.main import App

TOKEN = "PUMPHOUSE_TOKEN"  # noqa: S105 - the name of the variable
LISTEN = "127.0.0.1:8780"


class Serve(Command):
    """Serve the HTTP API and the page on this machine: whoever has the token may do everything."""

    app: "App"

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Add where to listen."""
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "--listen", default=LISTEN, metavar="ADDRESS:PORT", help=f"Loopback only; {LISTEN} when left out."
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        """Serve until stopped."""
        try:
            import uvicorn

            from pumphouse.api.access import new_token, one_token
            from pumphouse.api.app import create_app
            from pumphouse.page.application import add_page
        except ModuleNotFoundError as error:
            raise UsageError(
                f"serving needs the Python package {error.name}",
                "Install it with: pip install 'pumphouse[serve]'.",
            ) from None
        address, port = _listen(parsed_args.listen)
        opened = self.app.opener(self.app.settings())
        with opened(Bus()) as service:
            service.migrations()  # the ledger can be read
        given = os.environ.get(TOKEN)
        token = given or new_token()
        where = f"http://[{address}]:{port}" if ":" in address else f"http://{address}:{port}"
        self.app.say(f"serving {where}/v1; its description is at {where}/openapi.json")
        self.app.say(f"the token is in {TOKEN}" if given else f"token: {token}")
        self.app.say(f"the page: {where}/login" + ("" if given else f"?token={token}"))
        application = create_app(opened, one_token(token))
        add_page(application)
        uvicorn.run(
            application,
            host=address,
            port=port,
            log_level="warning",
            access_log=False,
            timeout_graceful_shutdown=5,
        )


def _listen(text: str) -> tuple[str, int]:
    """Address and port.

    :raises UsageError: when it is not that.
    :raises Refused: when others than this machine could reach it.
    """
    host, _, port = text.rpartition(":")
    try:
        address, number = ipaddress.ip_address(host.strip("[]")), int(port)
    except ValueError:
        raise UsageError(f"--listen {text}: not ADDRESS:PORT", f"For example: --listen {LISTEN}.") from None
    if not 0 < number < 65536:
        raise UsageError(f"--listen {text}: no such port", "Ports go from 1 to 65535.")
    if not address.is_loopback:
        raise Refused(
            f"--listen {text}: others could reach it, and there is no TLS",
            "Listen on loopback and put a proxy with TLS before it.",
        )
    return str(address), number
