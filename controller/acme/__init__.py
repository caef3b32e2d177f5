"""Certificates of the exchangers by ACME (RFC 8555): ordered by the controller, brought by a converge."""
