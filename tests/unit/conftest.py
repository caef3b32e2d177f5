"""Properties are tried without a stopwatch: on shared cores it says nothing of them."""

from hypothesis import settings

settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")
