"""Expressions of PromQL, of the chosen hosts (`$host`), over windows that Grafana chooses."""

CHOSEN = 'host=~"$host"'


def gauge(metric: str, *matchers: str) -> str:
    """A figure as it is; matchers as in `instance="in"`."""
    return f"{metric}{{{','.join((CHOSEN, *matchers))}}}"


def through(metric: str) -> str:
    """A figure of the canaries, of both hosts, about messages through the chosen ones."""
    return f'{metric}{{via=~"$host"}}'


def rate(counter: str, *matchers: str) -> str:
    """How fast a counter grows, in 1/s."""
    return f"rate({gauge(counter, *matchers)}[$__rate_interval])"


def total(by: str, expression: str) -> str:
    """The sum over all labels but `by`."""
    return f"sum by ({by}) ({expression})"


def highest(by: str, expression: str) -> str:
    """The maximum over all labels but `by`."""
    return f"max by ({by}) ({expression})"


def lowest(by: str, expression: str) -> str:
    """The minimum over all labels but `by`."""
    return f"min by ({by}) ({expression})"


def p95(histogram: str, by: str, *matchers: str) -> str:
    """What 95 % of the values of a histogram were below, over five minutes, so that quiet hours show too."""
    return quantile(by, gauge(f"{histogram}_bucket", *matchers))


def quantile(by: str, buckets: str) -> str:
    """The same of any buckets."""
    return f"histogram_quantile(0.95, {total(f'{by}, le', f'rate({buckets}[5m])')})"
