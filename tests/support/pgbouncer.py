"""A PgBouncer in transaction mode before a PostgreSQL, for as long as a test needs one.

It listens on a Unix socket in a folder of its own. Each transaction gets whichever backend is free, so that whatever is
kept in a session shows: there are fewer backends than connections.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.engine import make_url

from support.postgresql import PORT, NotHere

BACKENDS = 2


@contextmanager
def before(postgresql: str) -> Iterator[str]:
    """The URL of the same database by way of a pooler. Raises NotHere where there is no pgbouncer."""
    program = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin:/usr/local/sbin")
    if program is None:
        raise NotHere("pgbouncer is not installed (scripts/pooler installs it)")
    url = make_url(postgresql)
    folder = Path(tempfile.mkdtemp(prefix="mocklend-pb-"))
    folder.chmod(0o755)
    try:
        server = f"host={url.query.get('host') or url.host} port={url.query.get('port') or url.port or PORT}"
        (folder / "pgbouncer.ini").write_text(
            f"[databases]\n{url.database} = {server} user={url.username}\n"
            f"[pgbouncer]\npool_mode = transaction\ndefault_pool_size = {BACKENDS}\nmax_client_conn = 100\n"
            f"listen_addr =\nlisten_port = {PORT}\nunix_socket_dir = {folder}\nauth_type = any\n"
            f"logfile = {folder}/log\npidfile = {folder}/pid\n"
        )
        root = os.geteuid() == 0  # It refuses root, as PostgreSQL does.
        if root:
            shutil.chown(folder, "nobody")
        process = subprocess.Popen(
            [program, "--quiet", str(folder / "pgbouncer.ini")],
            user="nobody" if root else None,
            extra_groups=[] if root else None,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            until = time.monotonic() + 10
            while not (folder / f".s.PGSQL.{PORT}").exists():
                assert process.poll() is None, (folder / "log").read_text()
                assert time.monotonic() < until, "pgbouncer does not listen"
                time.sleep(0.01)
            yield str(url.set(query={"host": str(folder), "port": str(PORT)}).render_as_string(hide_password=False))
        finally:
            process.terminate()
            process.wait()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
