"""Drift: what of this host is not as the last converge left it.

A converge leaves a manifest of everything the roles have put in place; a program of ours compares the host
with it, on a timer and when asked. It reads, and changes nothing.
"""
