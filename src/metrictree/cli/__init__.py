"""The command `metrictree`: flags and exit codes, nothing else."""

from __future__ import annotations

import sys

__all__ = ["main"]


def main() -> None:
    """Run the command, and exit with 0, with 1 after findings, or with 2 after wrong usage."""
    try:
        from metrictree.cli.program import program
    except ModuleNotFoundError as error:
        if error.name != "click":
            raise
        sys.stderr.write('The command needs one more package: pip install "metrictree[cli]"\n')
        sys.exit(2)
    program(prog_name="metrictree")
