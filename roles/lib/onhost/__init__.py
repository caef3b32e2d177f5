"""Small programs sent to a host and run there by its own python3; standard library only."""
