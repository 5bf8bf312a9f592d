"""Waves for a person: both clouds' hosts as they fill and empty, and what is done in each wave."""

from collections.abc import Iterable, Iterator, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from pumphouse.model import ComputeHost, Remainder, Wave, WavePlan
from pumphouse.report import units

BARS = "▁▂▃▄▅▆▇█"
WIDE, GAP = 6, 2  # columns of a bar, and between two
LEAVES = "→"
NOTHING = "nothing to do: no server and no host is left in the source"


def show(console: Console, plan: WavePlan) -> None:
    """Print the picture, then the waves in words, then what stays."""
    if not plan.waves and not plan.remains:
        console.print(NOTHING)
        return
    console.print(_picture(plan, console.width))
    for number, wave in enumerate(plan.waves, start=1):
        console.print(Text(f"wave {number}", style="bold"))
        for line in lines(wave):
            console.print(Text(f"  {line}"))
    remaining(console, plan.remains)
    if not plan.remains:
        console.print(Text("then", style="bold"))
        console.print("  everything that is left moves, and the source is closed")


def remaining(console: Console, remains: Iterable[Remainder]) -> None:
    """Print what stays at the source, and what to do about it."""
    for each in remains:
        console.print(Text.assemble((f"{each.what} stays: ", "yellow"), each.why))
        if each.remedy:
            console.print(Text(f"  → {each.remedy}"))


def lines(wave: Wave) -> Iterator[str]:
    """What is done in a wave, in order."""
    for portion in wave.portions:
        down = (
            f", each up to about {units.duration(portion.downtime)} without service"
            if portion.downtime
            else ""
        )
        yield f"{portion.selection}: {units.count(len(portion.servers), 'server')} to the destination{down}"
    for plan in wave.emptied:
        moves = ", ".join(
            f"{move.server.name} to {move.target} ({move.how})"
            if move.target
            else f"{move.server.name} ({move.how})"
            for move in plan.moves
        )
        yield f"host {plan.host} is emptied: {moves}"
    for name in wave.upgrades:
        yield f"host {name} becomes a host of the destination"


def rows(plan: WavePlan) -> Iterator[tuple[object, ...]]:
    """The same as a list."""
    for number, wave in enumerate(plan.waves, start=1):
        for portion in wave.portions:
            for server in portion.servers:
                yield number, "migrate", server.name, server.host, "destination", str(portion.selection)
        for emptied in wave.emptied:
            for move in emptied.moves:
                yield number, "evacuate", move.server.name, emptied.host, move.target, str(move.how)
        for name in wave.upgrades:
            yield number, "upgrade", name, "source", "destination", ""
    for each in plan.remains:
        yield "", "stays", each.what, "source", "", each.why


def _picture(plan: WavePlan, width: int) -> Table:
    """A row for each host, a column for each moment: how full it is then."""
    moments = [(plan.source, plan.destination), *((w.source, w.destination) for w in plan.waves)]
    names = max((len(h.name) for here, there in moments for h in (*here, *there)), default=0)
    wide = WIDE if names + len(moments) * (WIDE + GAP) <= width else 1
    table = Table(box=None, pad_edge=False, padding=(0, GAP if wide > 1 else 0, 0, 0), header_style="dim")
    table.add_column("")
    for number in range(len(moments)):
        table.add_column(str(number or "now")[-wide:])
    for title, clouds in (("source", [m[0] for m in moments]), ("destination", [m[1] for m in moments])):
        table.add_row(Text(title, style="bold"))
        for name in dict.fromkeys(host.name for hosts in clouds for host in hosts):
            table.add_row(f"  {name}", *_life(name, clouds, wide))
    return table


def _life(name: str, clouds: Sequence[Sequence[ComputeHost]], wide: int) -> Iterator[Text]:
    """One host from moment to moment, as long as the cloud has it."""
    was = False
    for hosts in clouds:
        host = next((each for each in hosts if each.name == name), None)
        if host:
            yield _bar(host, wide)
        else:
            yield Text(LEAVES if was else "", style="green")
        was = host is not None


def _bar(host: ComputeHost, wide: int) -> Text:
    full = share(host)
    style = "red" if not host.up else "dim" if not host.enabled else "cyan"
    if wide == 1:
        return Text(BARS[min(int(full * len(BARS)), len(BARS) - 1)], style=style)
    done = min(round(full * wide), wide)
    return Text("█" * done + "░" * (wide - done), style=style)


def share(host: ComputeHost) -> float:
    """How full a host is: of processors and memory, the one it has least of."""
    pairs = ((host.used.vcpus, host.capacity.vcpus), (host.used.memory, host.capacity.memory))
    return max((used / capacity for used, capacity in pairs if capacity), default=0.0)
