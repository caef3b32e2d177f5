"""`python -m controller`: the command line of the controller."""

from controller.cli import app

app()
