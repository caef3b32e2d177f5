"""`twinmx converge`: the exchangers one after another, each out of service while it changes, and gated.

All hosts restarted at the same moment is how a bad change becomes an outage: here the next host is only
touched when mail has passed through the one before it, and one that fails goes back to what it was.
"""

from controller.rolling.waves import order

__all__ = ["order"]
