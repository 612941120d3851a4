"""What the peers share: a free port, a thread for each connection, and an end when standard input ends."""

import os
import socket
import sys
import threading
from collections.abc import Callable


def listen(serve: Callable[[socket.socket], None]) -> None:
    """Print a free port and serve each connection there in a thread of its own, until standard input ends."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=512)
    print(listener.getsockname()[1], flush=True)

    def accept() -> None:
        while True:
            connection = listener.accept()[0]
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    sys.stdin.buffer.read()
    os._exit(0)
