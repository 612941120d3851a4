"""What a mock is told to do wrong."""
