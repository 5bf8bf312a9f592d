"""A plan for a person: what happens to what, what is wrong, and what it costs."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from pumphouse.model import Action, Capacity, Plan, Problem, Severity, Step
from pumphouse.report import units

_LOOK = {
    Action.CREATE: ("+", "green"),
    Action.REUSE: ("=", "dim"),
    Action.UPDATE: ("~", "green"),
    Action.REMOVE: ("!", "magenta"),
    Action.MOVE: (">", "cyan"),
    Action.SKIP: ("-", "yellow"),
    Action.BLOCK: ("x", "bold red"),
}
_WEIGHT = {Severity.BLOCK: "bold red", Severity.WARN: "yellow", Severity.NOTE: "dim"}

NOTHING = "nothing to do: everything is there already"


def show(console: Console, plan: Plan) -> None:
    """Print the whole plan."""
    console.print(Text(f"{plan.selection}: {plan.source} to {plan.destination}", style="bold"))
    by_project: dict[str, list[Step]] = defaultdict(list)
    for step in plan.steps:
        by_project[step.project].append(step)
    for project in sorted(by_project):
        console.print(_tree(project, by_project[project]))
    summary(console, plan)


def summary(console: Console, plan: Plan) -> None:
    """Print what is wrong with the plan, and its numbers."""
    for part in (_problems(plan.problems), _numbers(plan), _capacity(plan.capacity)):
        if part is not None:
            console.print()
            console.print(part)
    if not plan.to_do and not plan.blocked:
        console.print()
        console.print(NOTHING)


def _tree(project: str, steps: Iterable[Step]) -> Tree:
    tree = Tree(Text(f"project {project}" if project else "shared by all projects", style="bold"))
    by_kind: dict[str, list[Step]] = defaultdict(list)
    for step in steps:
        by_kind[step.kind].append(step)
    for kind, members in by_kind.items():
        branch = tree.add(Text(f"{kind.replace('_', ' ')} ({len(members)})", style="dim"))
        for step in members:
            branch.add(_step(step))
    return tree


def _step(step: Step) -> Text:
    mark, style = _LOOK[step.action]
    line = Text.assemble((f"{mark} {step.action} ", style), step.name or step.key)
    facts = [units.size(step.bytes)] if step.bytes else []
    if step.downtime:
        facts.append(f"about {units.duration(step.downtime)} without service")
    if facts:
        line.append(f"  {', '.join(facts)}")
    if step.because:
        line.append(f"  {step.because}", style="dim")
    if step.reason:
        line.append(f"  {step.reason}", style="dim" if step.action is not Action.BLOCK else "red")
    return line


def _problems(problems: Iterable[Problem]) -> RenderableType | None:
    order = list(Severity)
    parts: list[RenderableType] = []
    for problem in sorted(problems, key=lambda p: order.index(p.severity)):
        parts.append(Text.assemble((f"{problem.severity}: ", _WEIGHT[problem.severity]), problem.what))
        parts += [Padding(Text(f"→ {line}"), (0, 0, 0, 2), expand=False) for line in _ways(problem)]
    return Group(*parts) if parts else None


def _ways(problem: Problem) -> Iterator[str]:
    """What can be done about a problem, unless somebody takes it as it is."""
    if problem.accepted:
        yield f"accepted by {problem.accepted} ({problem.rule})"
        return
    if problem.remedy:
        yield problem.remedy
    if problem.acceptable and problem.severity is Severity.BLOCK:
        resource = f":{problem.key.partition(':')[2]}" if problem.key else ""
        yield f"Or take it knowingly: --accept {problem.rule}{resource}"


def _numbers(plan: Plan) -> RenderableType | None:
    actions = Counter(step.action for step in plan.steps)
    if not actions:
        return None
    table = Table.grid(padding=(0, 2))
    words = [
        Text(f"{actions[action]} {'blocked' if action is Action.BLOCK else f'to {action}'}", _LOOK[action][1])
        for action in Action
        if actions[action]
    ]
    table.add_row("resources", Text(", ").join(words))
    table.add_row("data to copy", f"at most {units.size(plan.bytes)}" if plan.bytes else "none")
    down = [step.downtime for step in plan.to_do if step.downtime]
    if down:
        each = (
            units.duration(max(down))
            if len(down) == 1
            else f"{units.duration(min(down))} to {units.duration(max(down))}"
        )
        table.add_row(
            "without service", f"{len(down)} running server{'s' if len(down) > 1 else ''}, about {each} each"
        )
    return table


def _capacity(capacity: Iterable[Capacity]) -> Table | None:
    needed = [limit for limit in capacity if limit.added]
    if not needed:
        return None
    table = Table(box=None, pad_edge=False, header_style="dim", title_justify="left")
    for name in ("destination", "resource"):
        table.add_column(name)
    for name in ("used", "added", "after", "limit"):
        table.add_column(name, justify="right")
    for limit in needed:
        after = limit.used + limit.added
        over = 0 <= limit.limit < after
        table.add_row(
            limit.scope,
            limit.resource,
            str(limit.used),
            str(limit.added),
            str(after),
            "unlimited" if limit.limit < 0 else str(limit.limit),
            style="bold red" if over else None,
        )
    return table
