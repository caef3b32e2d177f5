"""How much a recipient may receive: sliding windows in Valkey, counted locally while it is away."""
