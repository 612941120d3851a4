"""
A mail server for measurements: takes every mail at once. It prints its port, and ends when its input ends.

It judges nothing and is as fast as Python allows, so that the client is what is measured. It runs as a process of its own.
"""

import argparse
import socket

from peer_listen import listen

_EHLO = b"250-peer\r\n250-SIZE 10240000\r\n250 8BITMIME\r\n"


def _serve(connection: socket.socket) -> None:
    with connection, connection.makefile("rb") as lines:
        connection.sendall(b"220 peer ESMTP\r\n")
        in_mail = False
        for line in lines:
            if in_mail:
                in_mail = line != b".\r\n"
                if not in_mail:
                    connection.sendall(b"250 2.0.0 queued as 0123456789AB\r\n")
                continue
            word = line[:4].upper()
            in_mail = word == b"DATA"
            if word == b"EHLO":
                connection.sendall(_EHLO)
            elif in_mail:
                connection.sendall(b"354 go on\r\n")
            elif word == b"QUIT":
                connection.sendall(b"221 bye\r\n")
                return
            else:
                connection.sendall(b"250 OK\r\n")


if __name__ == "__main__":
    argparse.ArgumentParser(description=__doc__).parse_args()
    listen(_serve)
