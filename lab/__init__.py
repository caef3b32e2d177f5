"""The lab: Docker hosts to converge, and the outside world they exchange mail with."""
