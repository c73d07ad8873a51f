"""Names of files as other programs want them: relative, with forward slashes."""

from __future__ import annotations

import os
from pathlib import Path, PurePath
from urllib.parse import quote

__all__ = ["file_name", "file_uri"]


def file_name(file: str) -> str:
    """Return the name of a file from the current folder on, if it lies inside.

    >>> file_name("./teams/growth.yml")
    'teams/growth.yml'
    """
    path = PurePath(os.path.normpath(file))
    if path.is_absolute() and path.is_relative_to(Path.cwd()):
        path = path.relative_to(Path.cwd())
    return path.as_posix()


def file_uri(file: str) -> str:
    """Return the address of a file: relative where its name is.

    >>> file_uri("teams/growth & sales.yml"), file_uri("/etc/a:b.yml")
    ('teams/growth%20%26%20sales.yml', 'file:///etc/a%3Ab.yml')
    """
    name = file_name(file)
    address = quote(os.fsencode(name))  # a name need not be UTF-8
    if not PurePath(name).is_absolute():
        return address
    return f"file://{'' if address.startswith('/') else '/'}{address}"
