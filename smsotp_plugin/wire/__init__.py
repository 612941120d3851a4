"""How bytes get to a gateway: connections, codecs and sessions that providers share. Knows no settings."""
