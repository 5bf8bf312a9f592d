"""What to work on, as arguments shared by several commands."""

import argparse
import shlex
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from pumphouse.errors import UsageError
from pumphouse.model import FILTERS, SELECTABLE, Selection, is_filter

if TYPE_CHECKING:
    from pumphouse.model import Migration
    from pumphouse.service import Service

_LISTED = "Give @FILE with a name on each line."
_WORDS = f"{', '.join(SELECTABLE)} with NAME..., or identity, or --all"


def add_arguments(parser: argparse.ArgumentParser, *, optional: bool = False) -> None:
    """Add the selection to a command.

    :param optional: whether the command falls back to the newest migration.
    """
    group = parser.add_argument_group(
        "selection", "The newest migration when left out." if optional else None
    )
    group.add_argument(
        "words",
        nargs="*",
        metavar="KIND NAME",
        help=f"What to work on: {_WORDS}. A name may be an id, DOMAIN/PROJECT, PROJECT/NAME, or @FILE with a name "
        "on each line.",
    )
    group.add_argument("--all", action="store_true", help="Everything in the source.")
    group.add_argument(
        "--filter",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="Only servers and volumes with name=GLOB, tag=TAG, metadata.KEY=VALUE, "
        "availability_zone=ZONE, status=STATUS or network=NAME; all given must hold.",
    )
    group.add_argument(
        "--exclude",
        action="append",
        default=[],
        metavar="KIND:NAME",
        help="Leave this out; may hold * and ?. @FILE has one on each line.",
    )
    group.add_argument(
        "--with-connected",
        action="store_true",
        help="Also the servers that share networks, server groups or volumes with these, and those that share "
        "with them: an application instead of a part of it.",
    )


def given(parsed: argparse.Namespace) -> bool:
    """Whether anything was selected."""
    return bool(parsed.words or parsed.all or parsed.filter or parsed.exclude or parsed.with_connected)


def parse(parsed: argparse.Namespace) -> Selection:
    """The selection typed.

    :raises UsageError: when it makes no sense; says which words do.
    """
    filters, exclude, connected = tuple(parsed.filter), _listed(parsed.exclude), parsed.with_connected
    for text in filters:
        _check_filter(text)
    for text in exclude:
        if not all(text.partition(":")):
            raise UsageError(f"--exclude {text}: not KIND:NAME", "For example: --exclude server:web1.")
    if parsed.all:
        if parsed.words:
            raise UsageError("--all selects everything and takes no names", "Give one or the other.")
        if connected:
            raise UsageError(
                "--all selects everything; nothing else is connected", "Leave out --with-connected."
            )
        return Selection("all", (), filters, exclude)
    if not parsed.words:
        raise UsageError("nothing is selected", f"Select {_WORDS}.")
    what, names = parsed.words[0], _listed(parsed.words[1:])
    if what == "identity":
        if names:
            raise UsageError("identity is selected as a whole and takes no names", "Leave the names out.")
    elif what not in SELECTABLE:
        raise UsageError(f"cannot select '{what}'", f"Select {_WORDS}.")
    elif not names:
        raise UsageError(f"which {what}?", f"Give at least one name or id after '{what}'.")
    return Selection(what, names, filters, exclude, connected)


def _listed(words: Iterable[str]) -> tuple[str, ...]:
    """The words, those of the form @FILE replaced by the lines of the file; what follows a # is for people."""
    found: list[str] = []
    for word in words:
        if not word.startswith("@"):
            found.append(word)
            continue
        try:
            lines = Path(word[1:]).read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is not text in UTF-8"
            raise UsageError(f"{word}: the file cannot be read: {why}", _LISTED) from None
        names = [name for line in lines if (name := line.partition("#")[0].strip())]
        if not names:
            raise UsageError(f"{word}: there is no name in the file", _LISTED)
        found += names
    return tuple(dict.fromkeys(found))


def typed(selection: Selection) -> str:
    """A selection as it can be typed again in a shell."""
    words = ["--all"] if selection.what == "all" else [selection.what, *selection.names]
    words += [word for text in selection.filters for word in ("--filter", text)]
    words += [word for text in selection.exclude for word in ("--exclude", text)]
    words += ["--with-connected"] * selection.connected
    return shlex.join(words)


def parse_or_newest(parsed: argparse.Namespace, service: "Service") -> Selection:
    """The selection typed, or the one of the newest migration."""
    return parse(parsed) if given(parsed) else newest(service).selection


def newest(service: "Service") -> "Migration":
    """The migration last worked on.

    :raises UsageError: when there is none.
    """
    migrations = [m for m in service.migrations() if m.selection.what in (*SELECTABLE, "identity", "all")]
    if not migrations:
        raise UsageError("nothing has been migrated yet", "Begin with 'pumphouse plan'.")
    return max(migrations, key=lambda migration: migration.updated_at)


def _check_filter(text: str) -> None:
    if not is_filter(text):
        raise UsageError(
            f"--filter {text}: not a filter", f"Filters: {'=…, '.join(FILTERS)}=… and metadata.KEY=…."
        )
