"""Who may: whoever has the token that was printed when the service began."""

import secrets
from typing import Annotated

from fastapi import Depends
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from pumphouse.api.problems import Unanswerable

TOKEN_BYTES = 32
_bearer = HTTPBearer(auto_error=False, description="The token that 'pumphouse serve' prints.")


def new_token() -> str:
    """A token nobody guesses."""
    return secrets.token_urlsafe(TOKEN_BYTES)


class Access:
    """Lets in who has the token.

    :param token: compared in constant time.
    """

    def __init__(self, token: str) -> None:
        self._token = token.encode()

    def __call__(self, given: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]) -> None:
        """Refuse with 401 who has not."""
        if given is None or not secrets.compare_digest(given.credentials.encode(), self._token):
            raise Unanswerable(
                401,
                "no token, or a wrong one",
                "Send 'Authorization: Bearer TOKEN'; 'pumphouse serve' prints it.",
            )
