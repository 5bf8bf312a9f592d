"""One resource of a cloud as a value."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Fields = Mapping[str, Any]


def make_key(kind: str, identifier: str) -> str:
    """The key of a resource: ``kind:source-id``."""
    return f"{kind}:{identifier}"


def fingerprint(value: Any) -> str:
    """Short hash of a JSON-able value; equal values give equal hashes whatever their key order."""
    text = json.dumps(value, sort_keys=True, default=str, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Item:
    """One resource as read from a cloud.

    :param fields: what is carried over and compared; references in it are ids of the same cloud.
    :param observed: what decisions need (status, size, host...) and is neither carried nor compared.
    """

    kind: str
    id: str
    name: str
    project_id: str | None
    fields: Fields
    observed: Fields = field(default_factory=dict)

    @property
    def key(self) -> str:
        """``kind:id``."""
        return make_key(self.kind, self.id)

    @property
    def fingerprint(self) -> str:
        """Changes when anything that is carried over changes."""
        return fingerprint([self.kind, self.id, self.name, self.project_id, self.fields])
