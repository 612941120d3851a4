"""
Reads one HTTP answer as curl and the browsers read it: what is odd about its form does not make it unreadable.

Never reads on where it is not certain whose bytes come next: a connection whose answer left any doubt is closed.

See RFC 9112 (HTTP/1.1) sections 4, 6 and 7, and RFC 9110 section 15.2 (interim answers).
"""

import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from smsotp_plugin.wire.channel import Broken

#: Bytes of an answer's body after decoding.
MOST_BODY = 64 * 1024
#: Bytes of one answer as they come over the wire: that body, as much for head and framing, and some to spare.
_MOST_RECEIVED = 160 * 1024
_MOST_LINES = 101

_STATUS_LINE = re.compile(rb"HTTP/(\d)(?:\.(\d{1,9}))?[ \t]+(\d{3})(?![0-9])", re.IGNORECASE)
_CHUNK = re.compile(rb"[ \t]*0*([0-9A-Fa-f]{1,8})[ \t]*(?:;.*)?", re.DOTALL)
_LENGTH = re.compile(r"0*(\d{1,9})", re.ASCII)
#: Codings that nothing here unpacks. Every other unknown word (servers send "utf-8" and "none") changes nothing.
_PACKED = frozenset(("br", "zstd", "compress", "x-compress", "dcb", "dcz"))


@dataclass(frozen=True, slots=True)
class Answer:
    """
    One complete answer.

    Attributes:
        status: 200 to 999.
        headers: Lower-case names; what came several times is joined with commas.
        body: At most `MOST_BODY` bytes, unpacked.
        keep: Whether it is certain that the connection can carry another exchange.
        to_the_end: Whether the body has no length, and goes on to the end of the connection.
    """

    status: int
    headers: dict[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    keep: bool
    to_the_end: bool = False


class Incoming:
    """
    What comes over one connection, in the pieces that a reader wants.

    Args:
        receive: Waits for more; empty at the end.
    """

    def __init__(self, receive: Callable[[], bytes]) -> None:
        self._receive = receive
        self._buffer = b""
        #: Where in the buffer that begins which nobody has asked for yet.
        self._at = 0
        self.left = _MOST_RECEIVED
        self.at_end = False
        #: Whether everything up to the end was asked for.
        self.to_the_end = False

    def has_anything(self) -> bool:
        """Tell whether bytes are here that nobody has asked for yet."""
        return self._at < len(self._buffer)

    def read_line(self) -> bytes | None:
        """Return the next line without its end (CRLF, or LF alone); None where the bytes end before it does."""
        searched = 0
        while (end := self._buffer.find(b"\n", self._at + searched)) < 0:
            searched = len(self._buffer) - self._at
            if not self._read_more():
                return None
        line = self._buffer[self._at : end]
        self._at = end + 1
        return line.removesuffix(b"\r")

    def read_exactly(self, count: int) -> bytes:
        """
        Return the next bytes.

        Raises:
            Broken: There are fewer.
        """
        while len(self._buffer) - self._at < count:
            if not self._read_more():
                raise Broken("the answer breaks off")
        begin, self._at = self._at, self._at + count
        return self._buffer[begin : self._at]

    def read_rest(self) -> bytes:
        """Return everything up to the end."""
        self.to_the_end = True
        while self._read_more():
            pass
        return self.read_exactly(len(self._buffer) - self._at)

    def skip(self) -> None:
        """Pass over what is here."""
        self._at = len(self._buffer)

    def _read_more(self) -> bool:
        received = self._receive()
        self.left -= len(received)
        if self.left < 0:
            raise Broken("the answer is too long")
        self._buffer, self._at = self._buffer[self._at :] + received, 0
        self.at_end = not received
        return not self.at_end


def read_answer(incoming: Incoming) -> Answer:
    """
    Read the answer to a request that is not HEAD, with its body.

    A status of 300 or more has said that nothing came of the request as it was: what is wrong with the page that follows
    it changes nothing, and the body is empty then.

    Raises:
        Broken: It breaks off, is too long or makes no sense; the text is fit for the log.
    """
    head = read_head(incoming)
    try:
        keep, body = _read_whole_body(incoming, head)
    except Broken:
        if head.status < 300:
            raise
        incoming.skip()
        keep, body = False, b""
    return Answer(head.status, head.fields, body, keep and not incoming.has_anything(), incoming.to_the_end)


@dataclass(frozen=True, slots=True)
class Head:
    """
    The head of an answer.

    Attributes:
        version: (1, 1) for HTTP/1.1.
        status: 200 to 999.
        fields: Lower-case names; what came several times is joined with commas.
        whole: Whether every line had its proper form.
    """

    version: tuple[int, int]
    status: int
    fields: dict[str, str] = field(repr=False)
    whole: bool

    def list_words(self, name: str) -> list[str]:
        """Return the elements of all the lists of a name, in lower case, without parameters."""
        value = self.fields.get(name)
        if value is None:
            return []
        return [word for each in value.split(",") if (word := each.partition(";")[0].strip().lower())]

    def keeps_alive(self) -> bool:
        """Tell whether the peer keeps the connection (RFC 9112 section 9.3)."""
        options = self.list_words("connection")
        return "close" not in options and (self.version >= (1, 1) or "keep-alive" in options)


def read_head(incoming: Incoming) -> Head:
    """
    Read the head of the final answer; interim ones (100, 102, 103 and unheard-of ones) are skipped.

    Raises:
        Broken: There is none.
    """
    while True:
        head = _read_one_head(incoming)
        if head.status == 101:
            raise Broken("the answer changes to another protocol, which nobody asked for")
        if head.status >= 200:
            return head


def _read_one_head(incoming: Incoming) -> Head:
    line = incoming.read_line()
    while line is not None and not line.strip():
        line = incoming.read_line()
    if line is None:
        raise Broken(
            "the answer breaks off"
            if incoming.has_anything()
            else "the connection was closed without an answer"
        )
    found = _STATUS_LINE.match(line)
    if not found or int(found[3]) < 100:
        raise Broken("the answer is not valid HTTP: it does not begin with a status")
    fields: dict[str, str] = {}
    whole = True
    for written in _read_header_lines(incoming):
        name, colon, value = written.partition(":")
        whole = whole and bool(colon) and not (name and name[-1].isspace())
        # A line that is not a header is passed over; a blank before the colon, or in the name, does not spoil the others.
        if colon and (known := name.strip().lower()):
            value = value.strip()
            fields[known] = f"{fields[known]}, {value}" if known in fields else value
    return Head((int(found[1]), int(found[2] or 0)), int(found[3]), fields, whole)


def _read_header_lines(incoming: Incoming) -> Iterator[str]:
    """Yield the lines up to the empty one, those that go on in the next (RFC 9112 section 5.2) as one."""
    open_line = ""
    for _ in range(_MOST_LINES):
        if (line := incoming.read_line()) is None:
            raise Broken("the answer breaks off")
        if b"\0" in line:
            raise Broken("the answer is not valid HTTP: there is a NUL in its head")
        text = line.decode("latin-1")
        if text[:1] in (" ", "\t"):
            # Blanks alone are a line that goes on, not the end of the head.
            open_line += " " + text.strip()
            continue
        if open_line:
            yield open_line
        if not text:
            return
        open_line = text
    raise Broken(f"the answer is too long: its head has more than {_MOST_LINES} lines")


def _read_whole_body(incoming: Incoming, head: Head) -> tuple[bool, bytes]:
    """Return whether the connection can be kept, and the unpacked body."""
    keep, body = head.keeps_alive(), b""
    if head.status not in (204, 304):
        keep, body = _read_body(incoming, head, keep)
    body = _unpack(head.list_words("content-encoding"), body)
    if len(body) > MOST_BODY:
        raise _refuse_length(head.status)
    return keep, body


def _read_body(incoming: Incoming, head: Head, keep: bool) -> tuple[bool, bytes]:  # noqa: FBT001  (handed on)
    """Return whether the connection can be kept, and the body as it came."""
    codings = [word for word in head.list_words("transfer-encoding") if word != "identity"]
    lengths = head.list_words("content-length")
    # A server that gives the length twice, or not in its proper form, may be wrong about where the answer ends.
    clear = head.whole and len(codings) + len(lengths) == 1
    if codings:
        if codings[-1] != "chunked":
            raise Broken("the answer has a Transfer-Encoding that is not known")
        body, ended = _read_chunks(incoming, head.status)
        return keep and clear and ended, _unpack(codings[:-1], body)
    sizes = {int(found[1]) for word in lengths if (found := _LENGTH.match(word))}
    if len(sizes) > 1:
        raise Broken("the answer has two lengths")
    if not sizes:
        # Without a length that can be read, the body goes on to the end of the connection.
        return False, incoming.read_rest()
    (size,) = sizes
    if size > MOST_BODY:
        raise _refuse_length(head.status)
    return keep and clear and lengths[0].isdecimal(), incoming.read_exactly(size)


def _read_chunks(incoming: Incoming, status: int) -> tuple[bytes, bool]:
    """Return the body, and whether the end of its last chunk was seen (RFC 9112 section 7.1)."""
    body = bytearray()
    while True:
        line = incoming.read_line()
        found = _CHUNK.fullmatch(line) if line is not None else None
        if not found:
            raise Broken("the answer breaks off" if line is None else "the answer has a chunk without a size")
        size = int(found[1], 16)
        if size == 0:
            break
        if len(body) + size > MOST_BODY:
            raise _refuse_length(status)
        body += incoming.read_exactly(size)
        if incoming.read_line() not in (b"", None):
            raise Broken("the answer has a chunk that is longer than its size")
    # The trailers. Some servers close here: what they had to say has been said.
    while line := incoming.read_line():
        pass
    return bytes(body), line is not None


def _unpack(codings: list[str], body: bytes) -> bytes:
    """Undo what was done to a body, the last coding first."""
    for coding in reversed(codings if body else ()):
        if coding in _PACKED:
            raise Broken(f"the answer's body is packed with {coding}, which is not known here")
        if coding in ("gzip", "x-gzip", "deflate"):
            body = _inflate(body, coding)
    return body


def _inflate(body: bytes, coding: str) -> bytes:
    # "deflate" is zlib by the standard and bare by the custom of some servers.
    formats = (zlib.MAX_WBITS, -zlib.MAX_WBITS) if coding == "deflate" else (zlib.MAX_WBITS | 16,)
    for bits in formats:
        try:
            return _inflate_members(body, bits)
        except zlib.error:
            continue
    raise Broken("the answer's Content-Encoding does not fit its body")


def _inflate_members(body: bytes, bits: int) -> bytes:
    """Unpack what was packed in pieces, one behind the other (RFC 1952 section 2.2), up to a little over `MOST_BODY`."""
    unpacked = b""
    while body and len(unpacked) <= MOST_BODY:
        inflate = zlib.decompressobj(bits)
        try:
            piece = inflate.decompress(body, MOST_BODY + 1)
        except zlib.error:
            if not unpacked:
                raise
            # What stands behind the last piece is padding.
            break
        unpacked += piece
        if len(unpacked) <= MOST_BODY and not inflate.eof:
            raise zlib.error("it breaks off")
        body = inflate.unused_data
    return unpacked


def _refuse_length(status: int) -> Broken:
    return Broken(f"the answer, with status {status}, is longer than {MOST_BODY // 1024} KiB")
