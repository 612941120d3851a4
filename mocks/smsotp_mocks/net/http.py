"""
HTTP/1.1 on the server's side, as much as a mock gateway needs: bytes to requests, answers to bytes. RFC 9112.

A server of its own because faults need the bytes: answers cut in half, garbage, resets.
"""

import base64
import binascii
import email
import email.policy
import json
import re
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.errors import MessageError
from functools import cached_property
from http import HTTPStatus
from typing import Any, BinaryIO
from urllib.parse import parse_qsl, unquote, urlsplit

# Far above what any SMS gateway takes; here so that a mock left running is no risk.
MOST_LINE = 16 * 1024
MOST_HEADERS = 100
MOST_BODY = 256 * 1024
MOST_FIELDS = 200
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
#: What a body without a Content-Type has to look like to be taken for a form.
_PAIRS = re.compile(rb"[^\s=&{<]+=[^\s]*")
_VERSION = re.compile(r"HTTP/1\.[0-9]")
_CHUNK_SIZE = re.compile(r"([0-9A-Fa-f]{1,16})[ \t]*")
#: What a header may be called (RFC 9110 section 5.6.2).
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
#: What no header may hold (RFC 9110 section 5.5).
_NO_HEADER = re.compile(r"[\0\r]")
_METHODS = frozenset({"GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"})
_REASONS = {status.value: status.phrase for status in HTTPStatus}

#: Parameters, decoded, in the order in which they came.
Pairs = tuple[tuple[str, str], ...]


def _refuse_constant(name: str) -> None:
    """Refuse NaN and the infinities, which Python takes and RFC 8259 (section 6) does not know."""
    raise ValueError(f"{name} is not JSON")


class BadRequest(Exception):
    """The bytes are not an HTTP request that the mock takes. Carries the status to answer with."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


@dataclass(frozen=True)
class Request:
    """
    One HTTP request.

    Attributes:
        target: As in the request line, with the query.
        headers: Names in lower case; of a repeated header the last one counts.
        raw_headers: As they came.
        body: Unpacked, where Content-Encoding says that it is packed.
    """

    method: str
    target: str
    version: str
    headers: Mapping[str, str]
    raw_headers: tuple[tuple[str, str], ...]
    body: bytes = field(repr=False)

    @cached_property
    def path(self) -> str:
        """The decoded path without the query."""
        return unquote(urlsplit(self.target).path)

    @cached_property
    def query(self) -> dict[str, str]:
        """The parameters of the query, UTF-8 or else Latin-1; of a repeated one the last."""
        return dict(self.query_pairs)

    @cached_property
    def query_pairs(self) -> Pairs:
        """The parameters of the query with those that are repeated."""
        return _read_form(urlsplit(self.target).query.encode("latin-1"))

    @cached_property
    def form(self) -> dict[str, str]:
        """The parameters of a form body; of a repeated one the last."""
        return dict(self.form_pairs)

    @cached_property
    def form_pairs(self) -> Pairs:
        """The parameters of a form body, of either kind; empty when the body is something else."""
        if self.content_type == "multipart/form-data":
            return _read_parts(self.headers["content-type"], self.body)
        if self.content_type == "application/x-www-form-urlencoded" or (
            not self.content_type and _PAIRS.fullmatch(self.body)
        ):
            return _read_form(self.body)
        return ()

    def read_json(self, read_object: Callable[[list[tuple[str, Any]]], Any] = dict) -> Any:
        """
        Return the JSON body.

        Args:
            read_object: Makes of the members of an object, some of which may be repeated, what stands for it.

        Raises:
            ValueError: It is none.
        """
        try:
            return json.loads(self.body, object_pairs_hook=read_object, parse_constant=_refuse_constant)
        except RecursionError:
            raise ValueError("nested too deeply") from None

    @property
    def content_type(self) -> str:
        """The media type of the body without parameters, lower case."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def parameters(self) -> dict[str, str]:
        """Query and form together; the form wins."""
        return self.query | self.form

    @cached_property
    def basic_auth(self) -> tuple[str, str] | None:
        """User name and password of basic authentication (RFC 7617), or None."""
        scheme, _, value = self.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "basic":
            return None
        try:
            user, colon, password = base64.b64decode(value, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return None
        return (user, password) if colon else None

    @property
    def keeps_alive(self) -> bool:
        """Whether the client wants to use the connection again."""
        wishes = {wish.strip() for wish in self.headers.get("connection", "").lower().split(",")}
        return "close" not in wishes and ("keep-alive" in wishes or self.version != "HTTP/1.0")

    def as_dict(self) -> dict[str, Any]:
        """Return the request as JSON types; a body that is not UTF-8 is shown with replacement characters."""
        return {
            "method": self.method,
            "target": self.target,
            "headers": [list(pair) for pair in self.raw_headers],
            "body": self.body.decode("utf-8", "replace"),
        }


@dataclass(frozen=True, slots=True)
class Answer:
    """
    A gateway's answer.

    Attributes:
        content_type: With the charset, as the gateway sends it.
        headers: Further ones.
    """

    status: int
    body: bytes
    content_type: str = "text/plain; charset=utf-8"
    headers: tuple[tuple[str, str], ...] = ()

    def to_bytes(self, *, keep_alive: bool, with_body: bool = True) -> bytes:
        """Return the whole answer as it goes over the wire."""
        lines = [
            f"HTTP/1.1 {self.status} {_REASONS.get(self.status, 'Unknown')}",
            f"Content-Type: {self.content_type}",
            f"Content-Length: {len(self.body)}",
            *(f"{name}: {value}" for name, value in self.headers),
            f"Connection: {'keep-alive' if keep_alive else 'close'}",
        ]
        head = "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"
        return head + self.body if with_body else head


def answer_text(status: int, text: str, *headers: tuple[str, str]) -> Answer:
    """Return a plain text answer in UTF-8."""
    return Answer(status, text.encode(), headers=headers)


def read_request(stream: BinaryIO, proceed: Callable[[], None] = lambda: None) -> Request | None:
    """
    Read the next request of a connection.

    Args:
        proceed: Called when the client waits for `CONTINUE` before it sends the body (RFC 9110 section 10.1.1).

    Returns:
        None when the client has ended the connection between two requests.

    Raises:
        BadRequest: What came is not a request, or is larger than the limits.
    """
    line = _read_line(stream)
    if line == "":
        line = _read_line(stream)  # RFC 9112 section 2.2: one empty line before a request is to be ignored
    if line is None:
        return None
    words = line.split(" ")
    if len(words) != 3 or not _VERSION.fullmatch(words[2]):
        raise BadRequest(400, "the request line is not HTTP/1")
    method, target, version = words
    if method not in _METHODS:
        raise BadRequest(501, f"the method {method[:20]!r} is not known")
    try:
        urlsplit(target)
    except ValueError:
        raise BadRequest(400, "the request target is not a URL") from None
    raw_headers = _read_headers(stream)
    headers = {name.lower(): value for name, value in raw_headers}
    # A client of HTTP/1.0 does not know it (RFC 9110 section 10.1.1).
    if headers.get("expect", "").lower() == "100-continue" and version != "HTTP/1.0":
        proceed()
    _judge_lengths(raw_headers)
    body = _unpack(_read_body(stream, headers), headers)
    _judge_host(version, raw_headers)
    return Request(method, target, version, headers, raw_headers, body)


def _judge_lengths(headers: Pairs) -> None:
    """Refuse a request that has two different ends: nothing after it would be certain (RFC 9112 section 6.3)."""
    if len({value for name, value in headers if name.lower() == "content-length"}) > 1:
        raise BadRequest(400, "there are two Content-Lengths")


def _judge_host(version: str, headers: Pairs) -> None:
    """Refuse what every server refuses (RFC 9112 section 3.2)."""
    count = sum(name.lower() == "host" for name, _ in headers)
    if count > 1 or (count == 0 and version != "HTTP/1.0"):
        raise BadRequest(400, f"there are {count} headers Host: one is needed")


def _read_line(stream: BinaryIO) -> str | None:
    line = stream.readline(MOST_LINE + 1)
    if not line:
        return None
    if len(line) > MOST_LINE:
        raise BadRequest(431, "a line of the request is too long")
    if not line.endswith(b"\n"):
        return None
    return line.decode("latin-1").rstrip("\r\n")


def _read_headers(stream: BinaryIO) -> tuple[tuple[str, str], ...]:
    headers: list[tuple[str, str]] = []
    while line := _read_line(stream):
        name, colon, value = line.partition(":")
        if not colon or not _NAME.fullmatch(name):
            raise BadRequest(400, "a header line has no name, or one that no header can have")
        if _NO_HEADER.search(value):
            raise BadRequest(400, "a header holds a control character")
        headers.append((name, value.strip()))
        if len(headers) > MOST_HEADERS:
            raise BadRequest(431, "there are too many headers")
    if line is None:
        raise BadRequest(400, "the request ends inside its headers")
    return tuple(headers)


def _read_body(stream: BinaryIO, headers: Mapping[str, str]) -> bytes:
    if "transfer-encoding" in headers:
        if headers["transfer-encoding"].lower() != "chunked" or "content-length" in headers:
            raise BadRequest(400, "the length of the body is not clear")
        return _read_chunks(stream)
    length = headers.get("content-length", "0")
    if not (length.isascii() and length.isdigit()):
        raise BadRequest(400, "the Content-Length is not a number")
    return _read_exactly(stream, int(length[:12]))


def _unpack(body: bytes, headers: Mapping[str, str]) -> bytes:
    """Undo a Content-Encoding (RFC 9110 section 8.4.1)."""
    coding = headers.get("content-encoding", "identity").strip().lower()
    if coding in ("", "identity"):
        return body
    if coding not in ("gzip", "x-gzip", "deflate"):
        raise BadRequest(415, f"the Content-Encoding {coding[:20]!r} is not known: gzip, deflate or none is")
    unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)  # 32: zlib or gzip, as the bytes say
    try:
        unpacked = unpacker.decompress(body, MOST_BODY + 1)
    except zlib.error:
        raise BadRequest(400, f"the body is not packed as its Content-Encoding says: {coding}") from None
    if len(unpacked) > MOST_BODY:
        raise BadRequest(413, f"the body is larger than {MOST_BODY} bytes once it is unpacked")
    if not unpacker.eof:
        raise BadRequest(400, "the packed body ends too early")
    return unpacked


def _read_chunks(stream: BinaryIO) -> bytes:
    body = b""
    while True:
        found = _CHUNK_SIZE.fullmatch((_read_line(stream) or "").partition(";")[0])
        if found is None:
            raise BadRequest(400, "a chunk has no size")
        size = int(found[1], 16)
        if size > MOST_BODY - len(body):
            raise BadRequest(413, f"the body is larger than {MOST_BODY} bytes")
        if size == 0:
            _read_headers(stream)
            return body
        body += _read_exactly(stream, size)
        if _read_line(stream) != "":
            raise BadRequest(400, "a chunk is longer than its size")


def _read_exactly(stream: BinaryIO, length: int) -> bytes:
    if length > MOST_BODY:
        raise BadRequest(413, f"the body is larger than {MOST_BODY} bytes")
    body = stream.read(length) if length else b""
    if len(body) < length:
        raise BadRequest(400, "the request ends inside its body")
    return body


def _read_parts(content_type: str, body: bytes) -> Pairs:
    """Read multipart/form-data (RFC 7578); files count as text."""
    head = b"Content-Type: " + content_type.encode("latin-1", "replace") + b"\r\n\r\n"
    # The parser is lenient with most mistakes and raises whatever comes to hand with a few.
    try:
        message = email.message_from_bytes(head + body, policy=email.policy.HTTP)
        parts = list(message.iter_parts()) if message.is_multipart() else []
        fields = [
            (part.get_param("name", header="content-disposition"), part.get_payload(decode=True))
            for part in parts
        ]
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError, MessageError):
        fields = []
    if not fields:
        raise BadRequest(
            400, "the body says that it is multipart/form-data, and has no part that can be read"
        )
    if len(fields) > MOST_FIELDS:
        raise BadRequest(400, f"there are more than {MOST_FIELDS} parameters")
    return tuple(
        (name, _make_readable(value.decode("latin-1")))
        for name, value in fields
        if isinstance(name, str) and isinstance(value, bytes)
    )


def _read_form(encoded: bytes) -> Pairs:
    try:
        pairs = parse_qsl(
            encoded.decode("latin-1"), keep_blank_values=True, max_num_fields=MOST_FIELDS, encoding="latin-1"
        )
    except ValueError:
        raise BadRequest(400, f"there are more than {MOST_FIELDS} parameters") from None
    return tuple((_make_readable(name), _make_readable(value)) for name, value in pairs)


def _make_readable(latin: str) -> str:
    if latin.isascii():
        return latin
    try:
        return latin.encode("latin-1").decode()
    except UnicodeDecodeError:
        return latin
