"""The Probes port: sockets, and processes that get no shell and only a small environment."""

import http.client
import os
import signal
import socket
import subprocess
from collections.abc import Mapping
from urllib.parse import urlsplit

from pumphouse.probes import Answer

# What programs need to run at all; everything else in our environment may be a secret.
PASSED_ON = ("PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TZ", "TMPDIR", "SSH_AUTH_SOCK")
OUTPUT = 10_000  # characters of a command's output that are kept
GRACE = 2.0  # seconds to read what a killed command left


class NetworkProbes:
    """See :class:`pumphouse.probes.Probes`."""

    def ping(self, address: str, timeout: float) -> Answer:
        """By the system's ping: ICMP needs rights that we do not have."""
        seconds = str(max(1, round(timeout)))
        found = self.command(("ping", "-n", "-c", "1", "-W", seconds, address), timeout + GRACE, {})
        return Answer(found.good, "answered" if found.good else f"no answer (ping: {found.words})")

    def tcp(self, address: str, port: int, timeout: float) -> Answer:
        """See the port."""
        try:
            with socket.create_connection((address, port), timeout):
                return Answer(True, "connected")
        except OSError as error:
            return Answer(False, _why(error))

    def http(self, url: str, timeout: float) -> Answer:
        """Certificates are not checked: it is asked whether a server works, not who it is."""
        parts = urlsplit(url)
        target = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
        connection = (_tls if parts.scheme == "https" else http.client.HTTPConnection)(
            str(parts.hostname), parts.port, timeout=timeout
        )
        try:
            connection.request("GET", target, headers={"User-Agent": "pumphouse", "Connection": "close"})
            status = connection.getresponse().status
            return Answer(status < 400, f"status {status}")
        except (OSError, http.client.HTTPException) as error:
            return Answer(False, _why(error))
        finally:
            connection.close()

    def command(self, words: tuple[str, ...], timeout: float, facts: Mapping[str, str]) -> Answer:
        """In a process group of its own, so that nothing it started outlives its time."""
        environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        try:
            process = subprocess.Popen(
                words,
                env={**environment, **facts},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            return Answer(False, f"cannot be started: {error.strerror}")
        try:
            output, _ = process.communicate(timeout=timeout)
            words_ = f"exit code {process.returncode}"
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            output, _ = process.communicate()
            words_ = f"not done after {timeout:g} s"
        good = process.returncode == 0
        return Answer(good, words_, output.decode(errors="replace")[-OUTPUT:])


def _tls(host: str, port: int | None, timeout: float) -> http.client.HTTPConnection:
    import ssl

    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return http.client.HTTPSConnection(host, port, timeout=timeout, context=context)


def _why(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return getattr(error, "strerror", None) or type(error).__name__
