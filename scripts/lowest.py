"""Print pip constraints that pin every dependency to the lowest version pyproject.toml admits.

Usage: python scripts/lowest.py [EXTRA,EXTRA,...]
"""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

BOUND = re.compile(r"(?P<name>[A-Za-z0-9._-]+)(\[[^]]*\])?>=(?P<version>[0-9][0-9A-Za-z.]*)")


def constraints(pyproject: str, extras: list[str]) -> list[str]:
    """Return ``name==lowest`` for the core dependencies, those of ``extras``, and frames."""
    document = tomllib.loads(pyproject)
    project = document["project"]
    requirements: list[str] = [*project["dependencies"], *document["dependency-groups"]["frames"]]
    for extra in extras:
        requirements += project["optional-dependencies"][extra]
    pins = []
    for requirement in requirements:
        bound = BOUND.fullmatch(requirement)
        if bound is None:
            sys.exit(f"lowest.py: {requirement!r} is not of the form name>=version")
        pins.append(f"{bound['name']}=={bound['version']}")
    return pins


def main() -> None:
    """Read pyproject.toml beside this folder and print one constraint a line."""
    text = (Path(__file__).parent.parent / "pyproject.toml").read_text(encoding="utf-8")
    oldest = tomllib.loads(text)["project"]["requires-python"].removeprefix(">=")
    running = f"{sys.version_info.major}.{sys.version_info.minor}"
    if running != oldest:
        # Releases this old have no wheels for later Pythons.
        sys.exit(f"lowest.py: the lowest versions need Python {oldest}, this is {running}")
    extras = ",".join(sys.argv[1:]).split(",") if len(sys.argv) > 1 else []
    print("\n".join(constraints(text, extras)))


if __name__ == "__main__":
    main()
