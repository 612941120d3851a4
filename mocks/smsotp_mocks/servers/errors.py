"""What can go wrong with the servers that the mocks start for a test."""


class HarnessError(Exception):
    """A server of the test cannot be set up or started. The text says why, and what to do."""
