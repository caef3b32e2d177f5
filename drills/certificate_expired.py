"""The certificate of an exchanger has run out, and nobody noticed that its renewal had failed.

It happens to the largest: on 3 February 2020 Microsoft Teams was away for hours (Venafi, "Expired
Certificate Takes Down Microsoft Teams"). In mail little is felt at first, since most senders encrypt where
they can and verify nothing (RFC 7672, section 1.3). DANE goes by the key alone, which stays the same here
(section 3.1.1). Those that verify dates (MTA-STS) give up in time.

Senders with STARTTLS must go on, encrypted, and the monitors say what is wrong.
"""

from drills.lib.model import Drill, Fault, Holds, Step, Where

FOLDER = "/etc/twinmx/tls"
KEPT = f"{FOLDER}/certificate.before"
BEGIN = f"""cd {FOLDER}
test -e {KEPT} || cp -p certificate.pem {KEPT}
openssl x509 -in {KEPT} -key key.pem -not_before 20240101000000Z -not_after 20250101000000Z \\
  -out expired.pem
cat expired.pem >certificate.pem
rm expired.pem
systemctl reload postfix.service"""
END = f"""test -e {KEPT} || exit 0
mv {KEPT} {FOLDER}/certificate.pem
systemctl reload postfix.service"""
SHOWN = (
    "openssl s_client -starttls smtp -connect 127.0.0.1:25 </dev/null 2>/dev/null "
    "| openssl x509 -noout -checkend 0"
)
OVER_TLS = "TLS connection established from outside"

DRILL = Drill(
    name="certificate-expired",
    says="The certificate of the first exchanger has expired.",
    replays=(
        "Venafi, “Expired Certificate Takes Down Microsoft Teams”, 2020-02-03: "
        "https://www.venafi.com/blog/expired-certificate-takes-down-microsoft-teams"
    ),
    faults=(Fault(Where.FIRST, BEGIN, END, f"! {{ {SHOWN}; }}"),),
    steps=(
        Step(0.5, ".venv/bin/python -m lab probe", says="ESMTPS", name="mail by TLS"),
        Step(
            0.6,
            "ssh -F build/lab/ssh_config mx1 "
            f"\"journalctl -q -u 'postfix*' --since -180s -g '{OVER_TLS.replace(' ', '.')}'\"",
            says=OVER_TLS,
            name="the log agrees",
        ),
    ),
    holds=Holds(p99=5.0, alerts=("CertificateExpires",)),
)
