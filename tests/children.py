"""Child processes for hostile cases: one that hangs, crashes or eats memory fails one test only."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import metrictree

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).parents[1]
MOST_MEGABYTES = 500
ALL_WAYS = ("plain", "deep", "small stack", "two threads", "again")
"""How a case is called: see `tests.child`."""


@dataclass
class Answer:
    """What a child said about a case."""

    outcome: dict[str, Any]
    """Of the first way to call."""
    complaints: list[str] = field(default_factory=list)
    """What must never be, whatever the case is."""


class Child:
    """Starts a child when it is needed, asks it, and starts another after a crash."""

    def __init__(self, folder: Path, *, pure: bool = False, seed: int = 0) -> None:
        self.folder = folder
        self.command = [sys.executable, "-W", "error", "-m", "tests.child", *["pure"] * pure]
        # Measuring coverage would slow a child down against its time limit.
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith("COV")} | {
            "PYTHONHASHSEED": str(seed),
            "PYTHONPATH": os.pathsep.join((str(ROOT), str(Path(metrictree.__file__).parents[1]))),
        }
        self.process: subprocess.Popen[str] | None = None
        self.errors: IO[str] | None = None
        self.reader: threading.Thread | None = None
        self.lines: queue.Queue[str] = queue.Queue()

    def ask(self, case: Mapping[str, Any], seconds: float) -> Answer:
        """Return what comes of a case within some seconds."""
        line = self._say(json.dumps(case), seconds)
        if line is None:
            return Answer({"kind": "hangs"}, [f"no answer after {seconds:g} seconds"])
        if not line:
            return Answer({"kind": "crashes"}, [f"the child died: {self._last_words()}"])
        answer = json.loads(line)
        outcomes = answer["outcomes"]
        first, *_ = outcomes.values()
        complaints = [f"touched: {touched}" for touched in answer["touched"]]
        if answer["peak"] > MOST_MEGABYTES:
            complaints.append(f"{answer['peak']} MB in use")
        if answer["peak"] > MOST_MEGABYTES // 4:
            self.stop()  # what it keeps must not count against the next case
        for way, outcome in outcomes.items():
            complaints += [f"{way}: cannot be shown: {text}" for text in outcome.get("unsafe", ())]
            if outcome["kind"] == "raised":
                complaints.append(f"{way}: {outcome['text']}")
            elif outcome != first:
                complaints.append(f"{way} differs: {outcome} is not {first}")
        if (self.folder / "METRICTREE_CANARY").exists():
            complaints.append("the canary was made")
        return Answer(first, complaints)

    def stop(self) -> None:
        """End the child."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            with contextlib.suppress(BrokenPipeError):
                self.process.stdin.close()  # type: ignore[union-attr]
            self.process = None
        if self.reader is not None:
            self.reader.join()
            self.reader = None
        if self.errors is not None:
            self.errors.close()
            self.errors = None

    def _start(self) -> subprocess.Popen[str]:
        self.errors = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115 - see stop
        self.process = subprocess.Popen(
            self.command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            cwd=self.folder,
            env=self.environment,
            encoding="ascii",
        )
        self.lines = queue.Queue()
        self.reader = threading.Thread(target=_read, args=(self.process, self.lines), daemon=True)
        self.reader.start()
        assert self.lines.get(timeout=60) == "ready\n", self._last_words()
        return self.process

    def _say(self, line: str, seconds: float) -> str | None:
        """Return the child's answer; ``""`` if it died, ``None`` if there was none in time."""
        process = self.process or self._start()
        assert process.stdin is not None
        try:
            process.stdin.write(line + "\n")
            process.stdin.flush()
            return self.lines.get(timeout=seconds)
        except BrokenPipeError:
            return ""
        except queue.Empty:
            self.stop()
            return None

    def _last_words(self) -> str:
        assert self.process is not None
        assert self.errors is not None
        code = self.process.wait(timeout=60)
        self.errors.seek(0)
        words = self.errors.read()[-500:]
        self.stop()
        return f"exit {code} {words}"


def _read(process: subprocess.Popen[str], lines: queue.Queue[str]) -> None:
    assert process.stdout is not None
    with process.stdout:
        for line in process.stdout:
            lines.put(line)
    lines.put("")
