"""`python -m metrictree` is the command `metrictree`."""

from __future__ import annotations

from metrictree.cli import main

if __name__ == "__main__":
    main()
