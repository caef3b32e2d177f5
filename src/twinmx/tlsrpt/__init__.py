"""What goes into tlsrpt-reporter and comes out of it: targets of strangers, reports of several hosts."""
