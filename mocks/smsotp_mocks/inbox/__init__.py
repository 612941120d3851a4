"""What a mock received, and what is asked of it."""
