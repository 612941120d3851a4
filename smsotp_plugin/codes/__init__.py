"""What a key makes: codes, States, references."""
