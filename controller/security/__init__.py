"""What listens on a converged host, and who may talk to it: the table in docs/security.md."""
