"""`mxctl`: what an operator on a host asks and orders. One module a group of commands."""
