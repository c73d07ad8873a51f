"""A process that loads and computes hostile trees, one after another, and says what came of each.

It is started by `tests.children`, reads a case as one line of JSON and answers with one line. While
the library works, an audit hook notes what it touches beside its own files and those of the case.
"""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import site
import sys
import sysconfig
import threading
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

if "pure" in sys.argv:
    sys.modules["yaml.cyaml"] = None  # type: ignore[assignment]  # as where libyaml is missing

import numpy as np

import metrictree
from metrictree import ComputeError, DefinitionError, Limits, MetricTree, MetricTreeError
from tests import attacks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

MEMORY = 1 << 30
LONGEST = 600
"""Characters of the text of one diagnostic."""
SHALLOW = 100
"""Frames above a call that writes a tree: YAML is written recursively."""
SMALL = 1_000
"""Metrics of a tree that is also written, pickled and read again."""
JUDGED = 20_000
"""Metrics of a tree that the rules look at too."""

# --- what is touched

PYTHON = tuple(
    os.path.realpath(path)
    for path in {
        *sysconfig.get_paths().values(),
        *site.getsitepackages(),
        str(Path(metrictree.__file__).parent),
        str(Path(__file__).parent),
    }
)
HARMLESS = frozenset(
    (
        "_thread.start_joinable_thread",
        "_thread.start_new_thread",
        "array.__new__",
        "builtins.id",
        "code.__new__",
        "cpython.PyInterpreterState_New",
        "gc.get_objects",
        "import",  # of a module; what it reads is told by "open"
        "marshal.loads",
        "object.__getattr__",
        "object.__setattr__",
        "sys._getframe",
        "sys._getframemodulename",
    )
)


GENERATED = "<plan>"
"""What the package calls the code that it writes itself, in which no text of a user stands."""


class Guard:
    """Notes what is touched while it is armed; a hook can never be removed."""

    def __init__(self, *, armed: bool = True) -> None:
        self.armed = armed
        self.here = threading.local()  # another thread may be at work on its answer
        self.touched: list[str] = []
        self.folder = os.path.realpath(".")
        sys.addaudithook(self.hook)

    def hook(self, event: str, args: tuple[Any, ...]) -> None:
        if (
            getattr(self.here, "armed", False)
            and event not in HARMLESS
            and not self.allowed(event, args)
        ):
            self.touched.append(f"{event} {args!r}"[:200])

    def allowed(self, event: str, args: tuple[Any, ...]) -> bool:
        if event == "open":
            path, _, flags = args
            if not isinstance(path, (str, bytes)) or flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
                return False
            return self.inside(os.fsdecode(path), (*PYTHON, self.folder))
        if event in ("os.listdir", "os.scandir"):  # the import system looks for modules
            return isinstance(args[0], str) and self.inside(args[0], PYTHON)
        if event in ("exec", "compile") and GENERATED in (
            getattr(args[0], "co_filename", ""),
            args[-1],
        ):
            return True
        if event == "exec":
            return self.inside(getattr(args[0], "co_filename", ""), PYTHON)
        if event == "compile":
            return args[0] is not None and self.inside(str(args[1]), PYTHON)
        return False

    @staticmethod
    def inside(path: str, folders: Iterable[str]) -> bool:
        return os.path.realpath(path).startswith(tuple(folder + os.sep for folder in folders))

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        self.here.armed = self.armed
        try:
            yield
        finally:
            self.here.armed = False


# --- one case


def run(case: dict[str, Any], guard: Guard) -> dict[str, Any]:
    """Load the tree of a case and compute it; tell which of the outcomes it was."""
    inputs = case.get("inputs", {})
    tree = None
    try:
        with guard.watching():
            if "attack" in case:
                name = case["attack"]
                value = attacks.HARM[name]() if name in attacks.HARM else attacks.PYTHON[name].run()
                return {"kind": "accept", "values": repr(value)[:200]}
            tree = load(case)
            values = tree.compute(inputs)
            told = [str(found) for found in tree.lint()] if len(tree.metrics) <= JUDGED else []
    except MetricTreeError as error:
        kind = "reject" if isinstance(error, DefinitionError) else "value-error"
        return {"kind": kind, **described(error)}
    except BaseException:  # noqa: BLE001 - reported, and failed by the parent
        return {"kind": "raised", "text": traceback.format_exc(limit=-5)}
    outcome: dict[str, Any] = {
        "kind": "accept",
        "findings": "\n".join(told[:100]),
        "values": {name: values[name] for name in [tree.north_star.metric, *list(values)[:50]]},
        "unsafe": [text for text in told if not (text.isprintable() and len(text) <= LONGEST)],
    }
    if values.missing:
        outcome["kind"] = "value-error"
        try:
            tree.compute(inputs, strict=True)
        except ComputeError as error:
            outcome |= described(error)
    if len(tree.metrics) <= SMALL and depth_here() < SHALLOW and case.get("again", True):
        outcome["unsafe"] += again(tree)
    return outcome


def load(case: dict[str, Any]) -> MetricTree:
    limits = Limits(**case.get("limits", {}))
    if "file" in case:
        return MetricTree.load(case["file"], limits=limits)
    if "text" in case:
        return MetricTree.from_yaml(case["text"], limits=limits)
    return MetricTree(limits=limits, **case["tree"])


def again(tree: MetricTree) -> list[str]:
    """Tell which way of keeping a tree loses something."""
    lost = []
    if MetricTree.from_yaml(tree.to_yaml()) != tree:
        lost.append("YAML changes the tree")
    if pickle.loads(pickle.dumps(tree)) != tree:
        lost.append("pickling changes the tree")
    if not safe(repr(tree)):
        lost.append(ascii(repr(tree)))
    return lost


def described(error: MetricTreeError) -> dict[str, Any]:
    """Return the facts of an error, and what about it cannot be shown."""
    copied = pickle.loads(pickle.dumps(error))
    texts = [str(found) for found in error.diagnostics]
    unsafe = [ascii(text)[:LONGEST] for text in texts if not safe(text)]
    if (type(copied), copied.diagnostics) != (type(error), error.diagnostics):
        unsafe.append("pickling changes the error")
    if not texts or not repr(error) or len(str(error)) > 6 * LONGEST:
        unsafe.append(f"the error has {len(str(error)):,} characters")
    for found in error.diagnostics:
        json.dumps(found.to_dict(), allow_nan=False)
    return {
        "type": type(error).__name__,
        "text": "\n".join(texts[:1_000]),
        "codes": sorted({found.code for found in error.diagnostics}),
        "lines": [found.span.line for found in error.diagnostics if found.span],
        "unsafe": unsafe,
    }


def safe(text: str) -> bool:
    return text.isascii() and text.isprintable() and len(text) <= LONGEST


# --- the ways to call


def in_threads(count: int, stack: int, work: Callable[[], dict[str, Any]]) -> list[dict[str, Any]]:
    """Do the same work in several threads at one time."""
    outcomes: list[dict[str, Any]] = []
    before = threading.stack_size(stack)
    try:
        threads = [threading.Thread(target=lambda: outcomes.append(work())) for _ in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        threading.stack_size(before)
    return outcomes


def at_depth(frames: int, work: Callable[[], dict[str, Any]]) -> list[dict[str, Any]]:
    """Do the work where the stack is that many frames deep already."""
    return [work()] if frames <= 0 else at_depth(frames - 1, work)


def depth_here() -> int:
    frame, depth = sys._getframe(), 0
    while frame := frame.f_back:  # type: ignore[assignment]
        depth += 1
    return depth


WAYS: dict[str, Callable[[Callable[[], dict[str, Any]]], list[dict[str, Any]]]] = {
    "plain": lambda work: [work()],
    "deep": lambda work: at_depth(900 - depth_here(), work),
    "small stack": lambda work: in_threads(1, 256 * 1024, work),
    "two threads": lambda work: in_threads(2, 0, work),
    "again": lambda work: [work()],
}


# --- memory


def limit_memory() -> None:
    if sys.platform == "linux":
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def forget_peak() -> None:
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def peak() -> int:
    """Return the megabytes that were in use at most, or 0 where that cannot be told."""
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
    except OSError:
        return 0
    return int(status.partition("VmHWM:")[2].split()[0]) // 1024


# --- the conversation


def warm_up() -> None:
    """Import what is imported on first use, so that a case does not pay for it."""
    unarmed = Guard(armed=False)
    run({"text": "north_star: a\nmetrics: {a: b / 0, b: 1}"}, unarmed)
    run({"tree": {"north_star": "a", "metrics": {"a": "b \xd7", "C": []}}}, unarmed)
    run({"tree": {"north_star": "a", "metrics": {"a": "b", "b": "a"}}}, unarmed)
    run({"file": "there_is_no_such_file.yaml"}, unarmed)
    attacks.RATE.compute({"a": np.array([1.0])})
    with contextlib.suppress(MetricTreeError):
        attacks.RATE.compute(["a"])


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    warm_up()
    limit_memory()
    guard = Guard()
    environment = dict(os.environ)
    say("ready")
    for line in sys.stdin:
        case = json.loads(line)
        guard.touched.clear()
        forget_peak()
        outcomes = {
            f"{way} {number}": outcome
            for way in case.get("ways", ["plain"])
            for number, outcome in enumerate(WAYS[way](lambda: run(case, guard)))  # noqa: B023
        }
        if dict(os.environ) != environment:
            guard.touched.append("os.environ")
        answer = {"outcomes": outcomes, "touched": guard.touched, "peak": peak()}
        say(json.dumps(answer))


if __name__ == "__main__":
    main()
