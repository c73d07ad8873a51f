"""Hostile Python objects: as a tree, as inputs and as targets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.attacks import PYTHON
from tests.children import ALL_WAYS, Child

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def child(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Child]:
    one = Child(tmp_path_factory.mktemp("python"))
    yield one
    one.stop()


@pytest.mark.parametrize("name", PYTHON)
def test_no_object_from_python_does_harm(name: str, child: Child) -> None:
    answer = child.ask({"attack": name, "ways": ALL_WAYS}, 20)
    assert not answer.complaints
    assert answer.outcome.get("type") == PYTHON[name].error, answer.outcome
