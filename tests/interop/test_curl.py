"""What our wire makes of an odd answer is what curl makes of it (a line without a colon, which only browsers read, apart)."""

import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from smsotp_conformance import within
from smsotp_plugin.wire.http.client import HttpWire, Origin, make_request
from tests.support.programs import program


@contextmanager
def answer_with(raw: bytes) -> Iterator[int]:
    """Give the port of a server that answers every request with these bytes and closes the connection."""

    def serve() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                with connection:
                    received = b""
                    while b"\r\n\r\n" not in received and (data := connection.recv(65536)):
                        received += data
                    connection.sendall(raw)
                    connection.shutdown(socket.SHUT_WR)
                    connection.recv(1)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


@pytest.mark.parametrize(
    "raw",
    [
        b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK",
        b"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 402 Pay\r\nContent-Length: 2\r\n\r\nno",
        b"HTTP/1.1 200 OK\r\nServer Name: x\r\nContent-Length: 2\r\n\r\nOK",
        b"HTTP/1.1 200 OK\r\nX-Frame-Options : DENY\r\nContent-Length: 2\r\n\r\nOK",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\nOK",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK and more than it said",
        b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nOK",
        b"HTTP/1.1 200 OK\nContent-Length: 2\n\nOK",
        b"HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 2\r\n\r\nOK",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;a=b\r\nOK\r\n0\r\nX: y\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 9\r\n\r\n2\r\nOK\r\n0\r\n\r\n",
        b"HTTP/1.0 200 OK\r\n\r\nOK",
        b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n",
        b"HTTP/1.1 303 See Other\r\nLocation: /done\r\nContent-Length: 0\r\n\r\n",
    ],
)
def test_an_odd_answer_is_read_as_curl_reads_it(raw: bytes) -> None:
    with answer_with(raw) as port:
        url = f"http://127.0.0.1:{port}/send"
        curl = subprocess.run(
            [program("curl", "curl"), "--silent", "--noproxy", "*", "--write-out", "\n%{http_code}", url],
            capture_output=True,
            check=True,
            timeout=10,
        )
        wire = HttpWire(Origin("http", "127.0.0.1", port))
        answer = wire.exchange(make_request("GET", url, {}), within(30))
        wire.close()

    body, _, status = curl.stdout.rpartition(b"\n")
    assert (answer.status_code, answer.content) == (int(status), body)
