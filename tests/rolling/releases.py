"""Releases that are another one, or a bad one: what is edited in a checkout."""

from lab.checkouts import Edit

HARMLESS = (
    Edit("src/twinmx/__init__.py", '"""', '"""A drill: another release. '),
    Edit(
        "templates/postfix/main.cf.j2",
        "compatibility_level",
        "# a drill: another comment\ncompatibility_level",
    ),
    Edit("templates/postfix/out/main.cf.j2", "compatibility_level", "# a drill\ncompatibility_level"),
)
"""Every program restarts and both instances of Postfix reload; mail is treated as before."""

CRASHES = (
    Edit(
        "src/twinmx/forwarder/service.py",
        "        self._settings = settings\n",
        '        raise RuntimeError("a drill: this release crashes at its start")\n',
    ),
)
"""A wheel that imports, accepts its settings, and does not start."""

PUTS_OFF = (
    Edit(
        "src/twinmx/forwarder/delivery.py",
        "        started_at = time.perf_counter()\n",
        '        return Reply(451, "4.3.0", "a drill: this release puts off all mail")\n'
        "        started_at = time.perf_counter()\n",
    ),
)
"""A wheel that starts, says that it is well, and answers 451 to every message."""

REFUSES = (
    Edit(
        "templates/postfix/main.cf.j2",
        "compatibility_level",
        "# a drill: it passes every check\nsmtpd_client_restrictions = reject\ncompatibility_level",
    ),
)
"""A configuration of Postfix that its own check accepts, and which refuses all mail."""
