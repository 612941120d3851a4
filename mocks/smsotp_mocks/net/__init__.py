"""Sockets: servers, ports, certificates, HTTP."""
