"""The store in Redis, for servers on any number of machines."""
