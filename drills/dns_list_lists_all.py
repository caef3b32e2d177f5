"""A DNS block list answers "listed" for every address.

In March 2008 ORDB, closed for over a year, began to list the whole world to be rid of the questions, and
mail servers that still asked it refused everything: SANS Internet Storm Center, "ORDB.org blocklisting all
IP addresses".

The lab has a list of its own (list.example) and no other. The drill gives its zone wildcards (one does not
do: the test entry 127.0.0.2 keeps it from its neighbours), and has Rspamd ask it with the 6.5 points of a
list that is trusted much. No list alone has the points of spam, so nobody may be refused.
"""

from drills.lib.model import Drill, Fault, Holds, Where

RULES = "/etc/rspamd/override.d/rbl.conf"
ASK = f"""cat >{RULES} <<'END'
enabled = true;
rbls {{
  drill {{
    symbol = "DRILL_LISTED";
    rbl = "list.example";
    checks = ["from"];
    returncodes {{ DRILL_LISTED = "127.0.0.2"; }}
  }}
}}
END
chmod 0644 {RULES}
cat >/etc/rspamd/override.d/groups.conf <<'END'
group "rbl" {{ symbols {{ "DRILL_LISTED" {{ weight = 6.5; }} }} }}
END
systemctl reload rspamd.service"""
FORGET = f"""test -e {RULES} || exit 0
rm -f {RULES} /etc/rspamd/override.d/groups.conf
systemctl reload rspamd.service"""
LISTED = "getent ahostsv4 1.100.51.198.list.example | grep -q '^127.0.0.2 '"

ZONE = "/etc/knot/zones/list.example.zone"
MARK = "; a drill"
WILDCARDS = f"""*.list.example. A 127.0.0.2 {MARK}
*.0.0.127.list.example. A 127.0.0.2 {MARK}"""
LIST_ALL = f"""cat >>{ZONE} <<'END'
{WILDCARDS}
END
knotc --blocking zone-reload list.example"""
LIST_ONE = f"""sed -i '/{MARK}$/d' {ZONE}
knotc --blocking zone-reload list.example"""
ANSWERS = "kdig +short @127.0.0.1 -p 5353 1.0.0.127.list.example A | grep -q '^127.0.0.2$'"

DRILL = Drill(
    name="dns-list-lists-all",
    says="A DNS block list that Rspamd asks lists every address.",
    replays=(
        "SANS Internet Storm Center, “ORDB.org blocklisting all IP addresses”, 2008-03-26: "
        "https://isc.sans.edu/diary/4198"
    ),
    faults=(
        Fault(Where.OUTSIDE, LIST_ALL, LIST_ONE, ANSWERS),
        Fault(Where.ALL, ASK, FORGET, f"test -e {RULES} && {LISTED}"),
    ),
    holds=Holds(p99=5.0),
)
