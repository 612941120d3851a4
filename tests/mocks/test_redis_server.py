import shutil
import socket
from pathlib import Path

import pytest

from smsotp_mocks.servers.errors import HarnessError
from smsotp_mocks.servers.redis import PROGRAM, PROGRAMS, RedisServer

pytestmark = pytest.mark.skipif(
    not (shutil.which("redis-server") or shutil.which("valkey-server")), reason="no Redis is installed"
)


def ask(server: RedisServer, command: str) -> bytes:
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(command.encode() + b"\r\n")
        return connection.recv(100)


def test_it_answers_and_comes_back_empty_on_the_same_port(tmp_path: Path) -> None:
    with RedisServer(tmp_path) as server:
        assert ask(server, "SET a 1") == b"+OK\r\n"
        server.kill()
        with pytest.raises(ConnectionRefusedError):
            ask(server, "PING")
        server.start()

        assert ask(server, "GET a") == b"$-1\r\n"


def test_the_environment_says_which_program_is_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "another-server"
    program.symlink_to(str(next(filter(None, map(shutil.which, PROGRAMS)))))
    monkeypatch.setenv(PROGRAM, str(program))
    with RedisServer(tmp_path / "redis") as server:
        assert ask(server, "PING") == b"+PONG\r\n"
        assert server.command()[0] == str(program)
    monkeypatch.setenv(PROGRAM, "no-such-server")
    with pytest.raises(HarnessError, match="no program no-such-server, which SMSOTP_REDIS_SERVER names"):
        RedisServer(tmp_path / "none").start()


def test_a_durable_one_keeps_what_was_written(tmp_path: Path) -> None:
    with RedisServer(tmp_path, durable=True) as server:
        ask(server, "SET a 1")
        server.kill()
        server.start()

        assert ask(server, "GET a") == b"$1\r\n1\r\n"


def test_a_frozen_one_answers_after_it_was_thawed(tmp_path: Path) -> None:
    with (
        RedisServer(tmp_path) as server,
        socket.create_connection(("127.0.0.1", server.port), timeout=0.2) as connection,
    ):
        server.freeze()
        connection.sendall(b"PING\r\n")
        with pytest.raises(TimeoutError):
            connection.recv(100)
        server.thaw()
        connection.settimeout(10)

        assert connection.recv(100) == b"+PONG\r\n"


def test_a_failed_start_shows_the_log(tmp_path: Path) -> None:
    with RedisServer(tmp_path / "one") as first:
        second = RedisServer(tmp_path / "two")
        second.port = first.port

        with pytest.raises(HarnessError, match="Address already in use"):
            second.start()


def test_a_missing_redis_is_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda *_: None)
    monkeypatch.delenv(PROGRAM, raising=False)

    with pytest.raises(HarnessError, match="apt-get install redis-server"):
        RedisServer(tmp_path).start()
