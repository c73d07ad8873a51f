"""Real engines that tests start and stop: a PostgreSQL server, and Spark in one or many processes.

What is not installed skips the tests that need it, with the reason.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

SECONDS = 60
"""In which a server has to be there, or gone."""


@contextmanager
def postgres() -> Iterator[Any]:
    """Yield a connection to a new server, which listens on a socket in its own folder only."""
    psycopg = pytest.importorskip("psycopg")
    initdb, server = _postgres_programs()
    folder = Path(tempfile.mkdtemp(prefix="pg"))
    owner = _unprivileged()
    try:
        if owner is not None:
            shutil.chown(folder, owner)
        data = folder / "data"
        made = subprocess.run(
            [initdb, "-D", data, "-U", "tester", "-A", "trust", "-E", "UTF8", "--no-sync"],
            capture_output=True,
            check=False,
            cwd=folder,
            text=True,
            user=owner,
        )
        assert made.returncode == 0, made.stdout + made.stderr
        options = ["-c", "listen_addresses=", "-c", "fsync=off", "-c", "timezone=UTC"]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [server, "-D", data, "-k", folder, *options],
                cwd=folder,
                stdout=log,
                stderr=log,
                user=owner,
            )
        try:
            address = f"host={folder} user=tester dbname=postgres"
            with _when_ready(psycopg, address, process, folder / "log") as connection:
                yield connection
        finally:
            process.send_signal(signal.SIGINT)  # disconnect everybody and stop
            try:
                process.wait(SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
    finally:
        shutil.rmtree(folder)


def _postgres_programs() -> tuple[str, str]:
    """Return the programs that make and run a server."""
    places = [os.environ.get("PATH", ""), *map(str, Path("/usr/lib/postgresql").glob("*/bin"))]
    path = os.pathsep.join(places)
    programs = shutil.which("initdb", path=path), shutil.which("postgres", path=path)
    if programs[0] is None or programs[1] is None:
        pytest.skip("PostgreSQL is not installed: neither initdb nor postgres is found")
    return programs[0], programs[1]


def _unprivileged() -> str | None:
    """Return the user to run as where we are root, which PostgreSQL refuses."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    for name in ("postgres", "nobody"):
        if name in names:
            return name
    pytest.skip("PostgreSQL does not run as root, and there is neither postgres nor nobody")


def _when_ready(psycopg: Any, address: str, process: subprocess.Popen[bytes], log: Path) -> Any:
    end = time.monotonic() + SECONDS
    while True:
        try:
            return psycopg.connect(address, autocommit=True)
        except psycopg.OperationalError:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < end, log.read_text()
            time.sleep(0.05)


def spark_environment() -> dict[str, str]:
    """Return the environment that Spark runs in; skip the test if Spark or Java is not there."""
    pyspark = pytest.importorskip("pyspark")
    if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
        pytest.skip("Java is not installed, which Spark needs")
    return {
        "SPARK_HOME": str(Path(pyspark.__file__).parent),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "PYSPARK_PYTHON": sys.executable,
        "PYSPARK_DRIVER_PYTHON": sys.executable,
    }


@contextmanager
def spark(master: str, **settings: bool | float | str | None) -> Iterator[Any]:
    """Yield a session of Spark; the tests of a process share one Java machine."""
    needed = spark_environment()
    from pyspark.sql import SparkSession

    before = {name: os.environ.get(name) for name in needed}
    folder = tempfile.mkdtemp(prefix="spark")
    logs = Path(needed["SPARK_HOME"]) / "work"  # of the workers of a local cluster
    keep_logs = logs.exists() or not master.startswith("local-cluster")
    os.environ |= needed
    try:
        builder = (
            SparkSession.builder.master(master)
            .appName("tests")
            .config("spark.ui.enabled", "false")
            .config("spark.ui.showConsoleProgress", "false")
            .config("spark.log.level", "ERROR")
            .config("spark.sql.shuffle.partitions", "2")
            .config("spark.sql.warehouse.dir", folder)
            .config("spark.driver.host", "127.0.0.1")
            .config("spark.driver.bindAddress", "127.0.0.1")
            .config("spark.driver.extraJavaOptions", f"-Dderby.system.home={folder}")
        )
        session = builder.config(map=settings).getOrCreate()
        try:
            yield session
        finally:
            session.stop()
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
        _remove(Path(folder))
        if not keep_logs:
            _remove(logs)


def _remove(folder: Path) -> None:
    """Remove a folder of which Spark's processes remove parts themselves while they stop."""
    end = time.monotonic() + SECONDS
    while folder.exists():
        shutil.rmtree(folder, ignore_errors=time.monotonic() < end)
