"""Says of a receiver whether DANE decides about its TLS, before anybody asks for its MTA-STS policy."""
