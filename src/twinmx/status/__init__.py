"""The status page: one HTML file that says how the exchangers are. Pure; the failover agent serves it."""
