"""stub"""


def deploy(exchange): ...
