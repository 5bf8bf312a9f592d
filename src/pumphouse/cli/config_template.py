"""A commented config.yaml, written from the model of the configuration, so that the two cannot differ."""

import json
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from pumphouse.config import Config

_HEAD = "# Configuration of Pumphouse. What is commented out is optional.\n"


def render(values: Mapping[str, Any]) -> str:
    """The text of a config.yaml.

    :param values: what to fill in, nested like the file; the rest is the default or commented out.
    """
    return _HEAD + "\n".join(_fields(Config, values, "")) + "\n"


def _fields(model: type[BaseModel], values: Mapping[str, Any], indent: str) -> Iterator[str]:
    for name, info in model.model_fields.items():
        if not indent:
            yield ""
        yield from textwrap.wrap(
            info.description or "", 100, initial_indent=f"{indent}# ", subsequent_indent=f"{indent}# "
        )
        yield from _field(name, info, values.get(name), indent)


def _field(name: str, info: FieldInfo, value: Any, indent: str) -> Iterator[str]:
    nested = _model(info.annotation)
    default = info.get_default(call_default_factory=True, validated_data={})
    if nested:
        wanted = value is not None or default is not None
        lines = [f"{name}:", *_fields(nested, value or {}, "  ")]
        yield from (f"{indent}{line}" if wanted else f"{indent}# {line}" for line in lines)
    elif value is not None:
        yield f"{indent}{name}: {_scalar(value)}"
    elif info.is_required():
        yield f"{indent}{name}:"
    elif default is None:
        yield f"{indent}# {name}:"
    else:
        yield f"{indent}{name}: {_scalar(default)}"


def _model(annotation: Any) -> type[BaseModel] | None:
    """The nested model of a field, also when the field may be left out."""
    parts = () if get_origin(annotation) is tuple else get_args(annotation)
    for candidate in (annotation, *parts):
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            return candidate
    return None


def _scalar(value: Any) -> str:
    """A value as YAML; JSON is YAML and quotes what needs it."""
    return json.dumps(str(value) if isinstance(value, Path) else value, default=dict, ensure_ascii=False)
