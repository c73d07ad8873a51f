"""How far a long run is: a bar on standard error, where that is a terminal."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event, Thread
from time import monotonic
from typing import TYPE_CHECKING, Final

import click

from metrictree.cli.common import style_of

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Progress", "progress_bar"]

_PATIENCE: Final = 2.0
"""Seconds without a bar."""
_STEP: Final = 0.1
"""Seconds between two looks at what was told last."""


@dataclass(slots=True)
class Progress:
    """What a run tells: what it is at, such as a source, and the share that is done, if known."""

    latest: tuple[str, float | None] = ("", None)

    def __call__(self, source: str, share: float | None) -> None:
        """Keep what is told; may be called from any thread, as often as one likes."""
        self.latest = source, share


@contextmanager
def progress_bar(doing: str = "reading") -> Iterator[Progress | None]:
    """Give a run something to tell its progress to, and draw it after a while.

    ``doing`` is what it does with what it tells of. There is nothing to tell it to if nobody looks:
    without a terminal, that is.
    """
    if not sys.stderr.isatty():
        yield None
        return
    progress, over = Progress(), Event()
    thread = Thread(target=_draw, args=(progress, over, doing), daemon=True)
    thread.start()
    try:
        yield progress
    finally:
        over.set()
        thread.join()  # whatever is written next begins on a line of its own


def _draw(progress: Progress, over: Event, doing: str) -> None:
    started = monotonic()
    if over.wait(_PATIENCE):
        return
    style = style_of(sys.stderr)
    bar = click.progressbar(
        length=100, file=sys.stderr, show_eta=False, show_percent=False, item_show_func=str
    )
    with bar:
        while True:
            source, share = progress.latest
            bar.label = f"{doing} {style.show(source)}" if source else "computing"
            done = "" if share is None else f"{share:4.0%}  "
            bar.update(round(100 * (share or 0)) - bar.pos, f"{done}{monotonic() - started:.0f} s")
            bar.render_progress()
            if over.wait(_STEP):
                return
