"""What a run shows while it goes on: a live panel on a terminal, plain lines elsewhere."""

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, Self

from qddft.cli.console import console, say

if TYPE_CHECKING:
    from rich.console import Group
    from rich.live import Live

    from qddft.study.execute import Event

# a step of one job is told at most so often where lines cannot be overwritten, s
QUIET_SECONDS = 10.0


class PlainProgress:
    """One line for every start and end of a job, and now and then for a step."""

    def __init__(self) -> None:
        self._told: dict[str, float] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return

    def show(self, event: "Event") -> None:
        """Tell what happened."""
        now = time.monotonic()
        if event.kind == "step" and now - self._told.get(event.entry.id, now - QUIET_SECONDS) < QUIET_SECONDS:
            return
        self._told[event.entry.id] = now
        say(" ".join([_counter(event), f"{event.kind:<6} {event.entry.name}", *_facts(event)]))
        sys.stdout.flush()


class LiveProgress:
    """A panel of the jobs under way, with the finished ones above it."""

    def __init__(self) -> None:
        self._running: dict[str, Event] = {}
        self._last: Event | None = None
        self._live: Live | None = None

    def __enter__(self) -> Self:
        from rich.live import Live

        self._live = Live(console=console(), get_renderable=self._panel, refresh_per_second=4, transient=True)
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def show(self, event: "Event") -> None:
        """Take up what happened."""
        from rich.markup import escape

        self._last = event
        if event.kind in ("start", "step"):
            self._running[event.entry.id] = event
            return
        self._running.pop(event.entry.id, None)
        if self._live is not None:
            mark = {"done": "[green]done  [/]", "failed": "[red]failed[/]"}.get(event.kind, f"{event.kind:<6}")
            facts = escape("  ".join(_facts(event, left=False)))
            self._live.console.print(f"{escape(_counter(event))} {mark} {event.entry.name}  {facts}")

    def _panel(self) -> "Group":
        from rich.console import Group
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        if self._last is None:
            return Group(Text("starting ..."))
        grid = Table.grid(padding=(0, 2))
        for head in ("job", "atoms", "step", "energy (eV)", "max. force (eV/Å)"):
            grid.add_column(head, justify="left" if head == "job" else "right")
        grid.add_row(*(Text(head, style="dim") for head in ("job", "atoms", "step", "energy (eV)", "force (eV/Å)")))
        for event in self._running.values():
            step = event.progress
            numbers = ("", "", "") if step is None else (f"{step.step}", f"{step.energy:.4f}", f"{step.max_force:.3f}")
            grid.add_row(event.entry.name, str(event.entry.atoms), *numbers)
        # a bar ends without a line break; in a grid it has a line of its own
        top = Table.grid(padding=(0, 2))
        count = Text(f"{self._last.done} of {self._last.total} jobs done")
        top.add_row(ProgressBar(total=self._last.total, completed=self._last.done, width=30), count)
        return Group(Text(), top, Text(_left(self._last), style="dim"), grid)


def progress_display() -> PlainProgress | LiveProgress:
    """Return what fits the output: live on a terminal, lines in a pipe or a file."""
    return LiveProgress() if sys.stdout.isatty() else PlainProgress()


def duration(seconds: float) -> str:
    """Return a time for people: 40 s, 3 min, 2 h 05 min."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60:02d} min"


def _counter(event: "Event") -> str:
    return f"[{event.done:>{len(str(event.total))}}/{event.total}]"


def _facts(event: "Event", *, left: bool = True) -> list[str]:
    step = event.progress
    facts = []
    if step is not None and event.kind in ("step", "done"):
        facts += [f"step {step.step}", f"E {step.energy:.4f} eV", f"force {step.max_force:.3f} eV/Å"]
        facts += [f"after {duration(step.seconds)}"] if event.kind == "done" else []
    if event.reason:
        facts.append(event.reason)
    if left and event.kind in ("step", "done") and event.done < event.total:
        facts.append(f"({_left(event)})")
    return facts


def _left(event: "Event") -> str:
    if event.left.seconds is None:
        return event.left.basis
    return f"about {duration(event.left.seconds)} left {event.left.basis}"
