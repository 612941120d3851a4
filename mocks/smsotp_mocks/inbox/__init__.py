"""What the mocks have received, and how to search it."""
