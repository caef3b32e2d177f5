"""The outside host's roles."""
