"""The configuration in force, for people to read: what is secret, or may be, is not in it."""

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel, SecretStr

from pumphouse import database
from pumphouse.config import Config, Deployment
from pumphouse.hooks import HealthCheck, Hook
from pumphouse.model import Setting

HIDDEN = "set, not shown"


def settings(config: Config) -> tuple[Setting, ...]:
    """Every setting by its path in config.yaml, in the order of the documentation."""
    return tuple(_settings(config, ""))


def _settings(part: BaseModel, path: str) -> Iterator[Setting]:
    for name, field in type(part).model_fields.items():
        value, where = getattr(part, name), f"{path}.{name}" if path else name
        if isinstance(value, Deployment):
            yield Setting(where, f"{value.type}; its own settings are not shown", True)
        elif isinstance(value, BaseModel) and not isinstance(value, Hook | HealthCheck):
            yield from _settings(value, where)
        else:
            given = name in part.model_fields_set and value != field.get_default(call_default_factory=True)
            yield Setting(where, _words(where, value), given)


def _words(path: str, value: Any) -> str:  # noqa: PLR0911 - one kind of value each
    """A value for a person."""
    if value is None or value in ((), {}, ""):
        return "none"
    if path == "ledger" and "://" in value:
        return database.shown(database.parse(value))
    match value:
        case SecretStr():
            return HIDDEN
        case bool():
            return "yes" if value else "no"
        case dict():
            return ", ".join(f"{key}: {_words('', each)}" for key, each in value.items())
        case tuple() | list() | frozenset():
            return ", ".join(_words("", each) for each in value)
        case BaseModel() if not isinstance(value, Hook | HealthCheck):
            return f"({_words('', {name: getattr(value, name) for name in value.model_fields_set})})"
    return str(value)
