"""
What every provider promises, as tests that a third party can inherit for its provider; they use the plugin and the mocks.

This is a package of its own, because neither the plugin nor the mocks may import the other. It needs pytest and
`smsotp-plugin[mocks]`.
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
