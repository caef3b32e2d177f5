"""`twinmx dns`: plan and apply are the DNS part of a converge; check asks what the world sees."""
