"""Drift: how the hosts and DNS differ from the inventory, and from what the last converge left on each host.

A host compares itself with the manifest of its last converge (src/twinmx/drift); the plan says what of the
inventory it does not have yet. Each difference is told once.
"""
