"""What exceptions of sockets and of OpenSSL mean, in words that cannot hold what was sent."""

import ssl

#: How OpenSSL calls an answer that is no TLS, by its version.
_NO_TLS = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG", "HTTP_REQUEST")


def find_reason(exc: Exception) -> str:
    """Return what happened, without the name of the peer."""
    match exc:
        case ssl.SSLCertVerificationError():
            return f"the certificate is not accepted: {exc.verify_message}"
        case ssl.SSLEOFError() | ssl.SSLZeroReturnError():
            return "the other side has closed the connection"
        case ssl.SSLError():
            words = str(exc.reason or "TLS failure").lower().replace("_", " ")
            return f"{words}; is it a port without TLS?" if exc.reason in _NO_TLS else words
        case TimeoutError():
            return "no answer in time"
        case OSError(strerror=str(words)):
            return words
    return type(exc).__name__
