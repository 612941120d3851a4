"""What exceptions of sockets and of OpenSSL mean, in words that cannot hold what was sent."""

import ssl

#: What the versions of OpenSSL call an answer that is not TLS.
_NO_TLS = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG", "HTTP_REQUEST")
#: What OpenSSL calls the alerts with which a server ends a handshake because it wants a certificate from its client (RFC 8446
#: section 6.2): the proper one, and those that some servers send instead. In TLS 1.3 they come when the client has long gone on.
_NOT_LET_IN = ("TLSV13_ALERT_CERTIFICATE_REQUIRED", "SSLV3_ALERT_BAD_CERTIFICATE")


def is_cut_off(exc: OSError) -> bool:
    """Tell whether the connection has ended before TLS has; not all versions of Python have a class for that."""
    return isinstance(exc, ssl.SSLEOFError) or (
        isinstance(exc, ssl.SSLError) and exc.reason == "UNEXPECTED_EOF_WHILE_READING"
    )


def is_not_let_in(exc: OSError) -> bool:
    """Tell whether the other side has ended the handshake because it wants a certificate, which nobody can set here."""
    return isinstance(exc, ssl.SSLError) and exc.reason in _NOT_LET_IN


def find_reason(exc: Exception) -> str:
    """Return what happened, without the name of the peer."""
    match exc:
        case ssl.SSLCertVerificationError():
            return f"the certificate is not accepted: {exc.verify_message}"
        case ssl.SSLError() if is_cut_off(exc) or isinstance(exc, ssl.SSLZeroReturnError):
            return "the other side has closed the connection"
        case ssl.SSLError():
            return _explain_tls(exc)
        case TimeoutError():
            return "no answer in time"
        case OSError(strerror=str(words)):
            return words
    return type(exc).__name__


def _explain_tls(exc: ssl.SSLError) -> str:
    if is_not_let_in(exc):
        return (
            "the other side demands a client certificate, which cannot be set: have it let us in without one"
        )
    words = str(exc.reason or "TLS failure").lower().replace("_", " ")
    return f"{words}; is it a port without TLS?" if exc.reason in _NO_TLS else words
