"""A no-op converge of one to eight hosts, and the same work by Ansible: `python -m bench.fleet`."""
