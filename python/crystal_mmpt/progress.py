"""Progress of long calls."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Callback = Callable[[int, int | None, str], object]
"""A function of what is done, what is to be done in all as far as it is known, and what is being done now."""

ProgressOption = bool | Callback | None
"""``True`` for a bar of tqdm, ``False`` for nothing, ``None`` for a bar in notebooks where tqdm is
installed, or a :data:`Callback`."""


@contextmanager
def watching(progress: ProgressOption, title: str) -> Iterator[Callback | None]:
    """Gives the callback of an option, and closes its bar at the end."""
    if callable(progress):
        yield progress
        return
    bar = _bar(title) if progress or (progress is None and "ipykernel" in sys.modules) else None
    if bar is None:
        if progress:
            raise ImportError("progress=True needs tqdm: pip install tqdm")
        yield None
        return

    def show(done: int, total: int | None, text: str) -> None:
        bar.total = total
        bar.set_postfix_str(text, refresh=False)
        bar.update(done - bar.n)

    with bar:
        yield show


def _bar(title: str):
    """A bar of tqdm, or ``None`` where it is not installed."""
    try:
        from tqdm.auto import tqdm
    except ImportError:
        return None
    return tqdm(desc=title, leave=False)
