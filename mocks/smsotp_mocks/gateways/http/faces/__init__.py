"""The faces of the HTTP mock: each module is one gateway's API, as strict as the real one."""

from smsotp_mocks.gateways.http.faces.base import Face, Rejected, Submission

__all__ = ["Face", "Rejected", "Submission"]
