"""What every program on a host has in common: settings, credentials, logs, its web page, start and stop."""
