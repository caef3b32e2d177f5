"""The hosts themselves."""

from controller.dashboard.panels import Section, Shown, curves
from controller.dashboard.queries import gauge, highest, lowest, rate


def hosts() -> Section:
    """Processor, memory, disk, and who they depend on."""
    idle = rate("node_cpu_seconds_total", 'mode="idle"')
    free, size = gauge("node_filesystem_avail_bytes"), gauge("node_filesystem_size_bytes")
    available, memory = gauge("node_memory_MemAvailable_bytes"), gauge("node_memory_MemTotal_bytes")
    return Section(
        "Hosts",
        [
            curves(
                "Processor",
                "Share of the time in which it is busy.",
                "percentunit",
                Shown("{{host}}", f"1 - avg by (host) ({idle})"),
            ),
            curves(
                "Memory",
                "Share in use.",
                "percentunit",
                Shown("{{host}}", "1 - " + highest("host", f"{available} / {memory}")),
            ),
            curves(
                "Disks",
                "Share in use.",
                "percentunit",
                Shown("{{host}} {{mountpoint}}", "1 - " + highest("host, mountpoint", f"{free} / {size}")),
            ),
            curves(
                "Free for the queues",
                "On the disk of each Postfix instance.",
                "bytes",
                Shown(
                    "{{host}} {{instance}}",
                    lowest("host, instance", gauge("twinmx_queue_free_bytes")),
                ),
            ),
            curves(
                "Resolver",
                "Time of an answer.",
                "s",
                Shown("{{host}}", highest("host", gauge("twinmx_resolver_seconds"))),
            ),
            curves(
                "Certificate of port 25",
                "Time until it ends.",
                "s",
                Shown(
                    "{{host}}",
                    lowest("host", gauge("probe_ssl_earliest_cert_expiry", 'job="smtp"')) + " - time()",
                ),
            ),
            curves(
                "Security updates",
                "Time since none was left to install.",
                "s",
                Shown("{{host}}", "time() - " + highest("host", gauge("twinmx_upgraded_seconds"))),
            ),
            curves(
                "Drift",
                "Differences from the last converge, and kinds of things that could not be compared.",
                "none",
                Shown("{{host}} {{kind}}", highest("host, kind", gauge("twinmx_drift")) + " > 0"),
                Shown("{{host}} not compared", highest("host", gauge("twinmx_drift_errors"))),
            ),
        ],
    )
