"""
A web server for measurements: answers every POST at once, sipgate's path with XML-RPC. It prints its port, and ends when its input ends.

It judges nothing and is as fast as Python allows, so that the client is what is measured. It runs as a process of its own.
"""

import argparse
import re
import socket
import xmlrpc.client

from peer_listen import listen

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


def _answer(kind: str, body: str) -> bytes:
    return f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()


_PLAIN = _answer("text/plain", "OK 0123456789abcdef")
_SIPGATE = _answer(
    "text/xml", xmlrpc.client.dumps(({"StatusCode": 200, "StatusString": "OK"},), methodresponse=True)
)


def _serve(connection: socket.socket) -> None:
    received = b""
    with connection:
        while True:
            while (end := received.find(b"\r\n\r\n")) < 0:
                if not (data := connection.recv(65536)):
                    return
                received += data
            length = _LENGTH.search(received, 0, end)
            whole = end + 4 + (int(length[1]) if length else 0)
            while len(received) < whole:
                received += connection.recv(65536)
            answer = _SIPGATE if received.startswith(b"POST /RPC2 ") else _PLAIN
            received = received[whole:]
            connection.sendall(answer)


if __name__ == "__main__":
    argparse.ArgumentParser(description=__doc__).parse_args()
    listen(_serve)
