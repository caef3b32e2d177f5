"""Figures of a host that no packaged exporter can read."""
