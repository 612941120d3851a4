"""Mock gateways that speak HTTP."""
