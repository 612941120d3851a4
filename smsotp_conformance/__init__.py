"""
What every provider promises, as tests that a third party's provider can inherit: the plugin and the mocks together.

It stands beside both, because neither may import the other. Needs pytest and `smsotp-plugin[mocks]`.
"""

import pytest

pytest.register_assert_rewrite("smsotp_conformance.provider_contract")

from smsotp_conformance.provider_contract import (  # noqa: E402  (after the line that makes its asserts explain themselves)
    CLOCK,
    CODE,
    NUMBER,
    SENTENCE,
    MockGateway,
    ProviderContract,
    message,
    within,
)

__all__ = ["CLOCK", "CODE", "NUMBER", "SENTENCE", "MockGateway", "ProviderContract", "message", "within"]
