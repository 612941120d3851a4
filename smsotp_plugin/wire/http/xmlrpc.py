"""XML-RPC calls and answers as bytes. No I/O; the marshalling is that of `xmlrpc.client`, the reading is bounded."""

import re
import xmlrpc.client
from typing import Any
from xml.parsers import expat

#: What XML 1.0 (section 2.2) cannot carry, not even as a character reference.
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

_WHOLE_NUMBER = re.compile(r"\s*([+-]?[0-9]{1,9})(?:\.0{0,9})?\s*")


class UnreadableAnswer(Exception):
    """The bytes are not an XML-RPC answer; the text repeats nothing of them."""


class RpcFault(Exception):
    """
    The answer is a fault.

    Args:
        code: Its faultCode.
    """

    def __init__(self, code: int) -> None:
        super().__init__(f"fault {code}")
        self.code = code


def write_call(method: str, argument: dict[str, str]) -> bytes:
    """
    Write the call of a method with one struct of strings, in UTF-8.

    Raises:
        ValueError: A string holds characters that XML cannot carry.
    """
    if any(_NO_XML.search(value) for value in argument.values()):
        raise ValueError("a control character cannot be carried in XML")
    return xmlrpc.client.dumps((argument,), method).encode()


def read_number(value: object) -> int | None:
    """
    Return a code as a number, also where it came as a text or with a point; None for anything else.

    Args:
        value: Whatever the answer held, in spite of the declared types.
    """
    if isinstance(value, str) and (found := _WHOLE_NUMBER.fullmatch(value)):
        return int(found[1])
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def read_answer(text: str) -> Any:
    """
    Read the value that a method returned.

    Args:
        text: In characters, whatever encoding the XML itself names. Must be bounded by whoever read it. Blanks before
            the XML declaration, which XML forbids and some servers send, are passed over.

    Raises:
        RpcFault: The method failed.
        UnreadableAnswer: It is anything else.
    """
    reader = xmlrpc.client.Unmarshaller()
    parser = expat.ParserCreate("utf-8")
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.data
    # Without a document type no entity can be declared, so none can grow or read files.
    parser.StartDoctypeDeclHandler = _refuse_document_type
    # No encoding: expat hands out text, which the marshaller would decode once more.
    reader.xml("", None)
    try:
        parser.Parse(text.strip().encode("utf-8", "replace"), True)
        (value,) = reader.close()
    except xmlrpc.client.Fault as exc:
        raise _make_fault(exc) from None
    except Exception as exc:  # noqa: BLE001  (expat and the marshaller raise at least nine kinds on hostile input)
        raise UnreadableAnswer(f"the answer is not an XML-RPC answer ({type(exc).__name__})") from None
    return value


def _make_fault(fault: xmlrpc.client.Fault) -> Exception:
    code = read_number(fault.faultCode)
    if code is None:
        return UnreadableAnswer("the answer is a fault without a code")
    return RpcFault(code)


def _refuse_document_type(*_: object) -> None:
    raise ValueError("a document type is not part of XML-RPC")
