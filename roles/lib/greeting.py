"""Whether a host takes mail, asked as a sender would: a greeting on port 25 that offers STARTTLS."""

import smtplib

from inventory.schema import Exchanger

PATIENCE_SECONDS = 10.0


def why_no_mail(exchanger: Exchanger) -> str:
    """Why `exchanger` takes no mail from here, in words; empty where it does."""
    try:
        with smtplib.SMTP(str(exchanger.address), 25, timeout=PATIENCE_SECONDS) as session:
            session.ehlo()
            encrypted = session.has_extn("starttls")
    except (OSError, smtplib.SMTPException) as error:
        return f"{exchanger.fqdn} does not take mail on port 25: {error}"
    return "" if encrypted else f"{exchanger.fqdn} does not offer STARTTLS"
