"""A server of several processes: one socket, a parent that starts, watches, replaces and stops them."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

import pytest
import requests

from mocklend.supervisor import AGAIN_AFTER_S, FORGOTTEN_S, again_after_s

TIMEOUT_S = 60

PART = """
import os, select, socket, sys
from signal import SIG_IGN, SIGINT, signal
signal(SIGINT, SIG_IGN)
listening = socket.socket(fileno=int(sys.argv[1]))
document = sys.stdin.buffer.readline().decode().strip()
{before}
os.write(1, b"ready\\n")
stopping = False
while not stopping:
    readable, _, _ = select.select([listening, 0], [], [])
    stopping = 0 in readable
    if listening in readable:
        connection, _ = listening.accept()
        asked = connection.recv(100)
        while asked == b"wait" and not stopping:  # It is answered although the server stops meanwhile.
            stopping = bool(select.select([0], [], [])[0])
        connection.sendall(f"{os.getpid()} {document}".encode())
        connection.close()
"""
"""A process that is started quickly, instead of a whole platform: it answers with its id and the document."""

PARENT = """
import sys
from mocklend.supervisor import DiedAtStart, listen, supervise
with listen("127.0.0.1", 0) as listening:
    port = listening.getsockname()[1]
    try:
        supervise(
            [sys.executable, "-c", sys.argv[1]], b"settings", listening, int(sys.argv[2]),
            lambda: print(port, flush=True),
        )
    except DiedAtStart as death:
        print("died", death.code, flush=True)
print("ended", flush=True)
"""


@contextmanager
def supervised(count: int, before: str = "") -> Iterator[subprocess.Popen[str]]:
    """A parent with so many processes. Standard error is closed when none of them is left."""
    command = [sys.executable, "-c", PARENT, PART.replace("{before}", before), str(count)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=environment) as process:
        watch = threading.Timer(TIMEOUT_S, process.kill)
        watch.start()
        try:
            yield process
        finally:
            process.kill()
            watch.cancel()


def port_of(process: subprocess.Popen[str]) -> int:
    """The port that the parent prints once all are ready."""
    assert process.stdout is not None
    return int(process.stdout.readline())


def ask(port: int, what: bytes = b"who") -> str:
    """What one of the processes answers."""
    with socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_S) as connection:
        connection.sendall(what)
        return connection.recv(100).decode()


def until(wanted: str, lines: IO[str] | None) -> str:
    """The first line that has a text in it."""
    assert lines is not None
    return next(line for line in lines if wanted in line)


def test_all_processes_have_the_settings_and_serve_one_socket() -> None:
    with supervised(2) as process:
        port = port_of(process)
        answers = {ask(port) for _ in range(20)}

        process.send_signal(signal.SIGTERM)
        output, errors = process.communicate(timeout=TIMEOUT_S)

    assert {answer.partition(" ")[2] for answer in answers} == {"settings"}
    assert (process.returncode, output, errors) == (0, "ended\n", "")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_request_in_progress_is_answered_before_the_server_ends(number: signal.Signals) -> None:
    with supervised(2) as process, socket.create_connection(("127.0.0.1", port_of(process))) as connection:
        connection.sendall(b"wait")
        process.send_signal(number)

        assert connection.recv(100).endswith(b" settings")
        assert (process.communicate(timeout=TIMEOUT_S)[0], process.returncode) == ("ended\n", 0)


def test_a_process_that_dies_is_replaced_and_its_queue_is_not_lost() -> None:
    with supervised(1) as process:
        port = port_of(process)
        first = int(ask(port).split()[0])
        os.kill(first, signal.SIGKILL)

        second = int(ask(port).split()[0])  # It waits in the queue until the replacement accepts it.

        assert second != first
        assert "exit_code=-9" in until("is replaced", process.stderr)


def test_processes_end_when_their_parent_is_killed() -> None:
    with supervised(2) as process:
        port_of(process)
        process.kill()

        assert process.communicate(timeout=TIMEOUT_S)[1] == ""  # Nobody holds the other end any more.


def test_a_second_signal_kills_them_all() -> None:
    with supervised(1) as process:
        os.kill(int(ask(port_of(process)).split()[0]), signal.SIGSTOP)  # It cannot notice that it is to stop.
        process.send_signal(signal.SIGTERM)
        process.send_signal(signal.SIGINT)

        assert process.communicate(timeout=TIMEOUT_S) == ("", "")
        assert process.returncode in (128 + signal.SIGINT, 128 + signal.SIGTERM)


def test_a_process_that_dies_before_it_is_ready_ends_the_server() -> None:
    with supervised(2, before="import random; sys.exit(7)") as process:
        output, _ = process.communicate(timeout=TIMEOUT_S)

    assert output == "died 7\nended\n"


def test_a_place_that_dies_often_waits_longer_each_time_and_is_forgiven() -> None:
    deaths: deque[float] = deque()

    assert [again_after_s(deaths, n) for n in range(6)] == [*AGAIN_AFTER_S, AGAIN_AFTER_S[-1], AGAIN_AFTER_S[-1]]
    assert again_after_s(deaths, 6 + FORGOTTEN_S) == 0


@pytest.mark.long
def test_a_server_of_several_processes_answers_every_request_until_it_ends(postgresql_alone: str) -> None:
    command = [sys.executable, "-m", "mocklend", "serve", "--port", "0", "--workers", "2", "--json"]
    with subprocess.Popen([*command, "--database", postgresql_alone], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            url = json.loads(process.stdout.readline())["url"]
            answers: list[tuple[str, int]] = []

            def order(n: int) -> None:
                """Borrowers, until the server says that it stops, or the next connection is refused."""
                status, k = 201, 0
                with requests.Session() as session:
                    while status == 201:
                        ada = {"reference": f"ada-{n}-{k}", "name": "Ada"}
                        try:
                            status = session.post(f"{url}/v1/borrowers", json=ada, timeout=TIMEOUT_S).status_code
                        except requests.ConnectionError:
                            return
                        answers.append((ada["reference"], status))
                        k += 1
                        if k == 10 and n == 0:
                            process.send_signal(signal.SIGTERM)

            threads = [threading.Thread(target=order, args=(n,)) for n in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert process.wait(TIMEOUT_S) == 0
        finally:
            process.kill()
    assert {status for _, status in answers} <= {201, 503}
    assert len({reference for reference, status in answers if status == 201}) >= 10
