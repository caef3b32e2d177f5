"""When an incident was seen, acted upon and over, reckoned from what letters and hosts say."""

from dataclasses import replace

import pytest

from lab.ledger import Result, Seen
from lab.observed import Done, Told, first_act, first_alert
from lab.traffic import Address, Sent
from lab.traffic_session import Attempt, Letter, Stage
from tests.incidents.verdict import Expected, Report, Seconds, recovery

BEGUN, ENDED = 1000.0, 1060.0
ADDRESS = Address("load@alias.example", ("load@mailbox.example",))
DRAIN = Done(1030.0, "mx1", "drain", "mx1", "forwarders", automatic=True)
CALLED_FOR = Expected("drain mx1", ("ForwardersGone",))


class Mail:
    """Letters as their senders and mailboxes saw them."""

    def __init__(self) -> None:
        self.letters: list[Sent] = []
        self.seen = Seen()

    def letter(self, begun: float, accepted: float | None, arrived: float | None) -> None:
        ident = f"run-{len(self.letters):05}"
        letter = Letter(ident, f"{ident}@sender.example", ADDRESS.alias, b"")
        code, end = (250, accepted) if accepted is not None else (451, begun + 1)
        attempt = Attempt("mx1", begun, end, Stage.END, code, "queued as ABC")
        self.letters.append(Sent(letter, ADDRESS, [attempt]))
        if arrived is not None:
            self.seen.delivered[ident, ADDRESS.mailboxes[0]] = [arrived]

    def quick(self, first: float, last: float) -> None:
        """A letter each second, each there within a tenth of one."""
        for number in range(int(last - first)):
            self.letter(first + number, first + number + 0.05, first + number + 0.1)

    @property
    def recovery(self) -> float | None:
        return recovery(self.letters, self.seen, BEGUN, ENDED)


@pytest.fixture
def mail() -> Mail:
    return Mail()


def test_mail_that_is_never_late_needs_no_recovery(mail: Mail) -> None:
    mail.quick(BEGUN, ENDED)

    assert mail.recovery == 0


def test_recovery_is_the_end_of_the_last_window_with_a_late_letter(mail: Mail) -> None:
    mail.quick(BEGUN, ENDED)
    mail.letter(1002, 1002.1, 1050)
    mail.letter(1021, 1021.1, 1026.5)

    assert mail.recovery == 25


def test_what_a_sender_waited_for_its_next_attempt_counts(mail: Mail) -> None:
    mail.quick(BEGUN, ENDED)
    mail.letter(1001, 1013, 1013.1)

    assert mail.recovery == 15, "by the time it was accepted in"


def test_a_window_in_which_letters_only_wait_is_bad(mail: Mail) -> None:
    mail.quick(BEGUN, ENDED - 10)
    mail.letter(ENDED - 10, ENDED + 5, ENDED + 5.1)

    assert mail.recovery is None

    mail.letters.pop()
    assert mail.recovery == 0, "nobody wrote meanwhile"


def test_mail_that_is_late_to_the_end_has_not_recovered(mail: Mail) -> None:
    mail.quick(BEGUN, ENDED)
    mail.letter(1058, 1058.1, 1070)

    assert mail.recovery is None


@pytest.mark.parametrize("accepted", [1003.0, None])
def test_a_letter_that_never_arrives_makes_its_window_bad(mail: Mail, accepted: float | None) -> None:
    mail.quick(BEGUN, ENDED)
    mail.letter(1002, accepted, None)

    assert mail.recovery == 5


def test_what_happens_after_the_repair_does_not_count(mail: Mail) -> None:
    mail.quick(BEGUN, ENDED)
    mail.letter(1061, 1061.1, 1099)

    assert mail.recovery == 0


def test_the_first_alert_is_one_that_names_the_cause_while_the_fault_lasts() -> None:
    told = [Told(990, "A", "mx1"), Told(1010, "B", "mx1"), Told(1020, "A", "mx1"), Told(1070, "C", "mx1")]

    assert first_alert(told, ("A", "C"), BEGUN, ENDED) == 20
    assert first_alert(told, ("C",), BEGUN, ENDED) is None


def test_the_first_act_is_the_one_called_for_and_nobody_ordered_it() -> None:
    ordered = replace(DRAIN, at=1005.0, automatic=False)
    other = replace(DRAIN, at=1006.0, whom="mx2")

    assert first_act([ordered, other, DRAIN], "drain mx1", BEGUN, ENDED) == 30
    assert first_act([ordered, other], "drain mx1", BEGUN, ENDED) is None


def report(expected: Expected, seconds: Seconds, *done: Done) -> Report:
    balanced = Result("case", 1, sent=5, accepted=5, copies=5, delivered=5)
    return Report(expected, balanced, seconds, 60.0, [], list(done))


def test_an_incident_within_all_goals_is_well() -> None:
    back = replace(DRAIN, at=1099.0, name="return")

    assert report(CALLED_FOR, Seconds(60, 90, 180), DRAIN, back).well


@pytest.mark.parametrize(
    ("seconds", "says"),
    [
        (Seconds(61, 30, 40), "the first alert"),
        (Seconds(None, 30, 40), "the first alert"),
        (Seconds(20, 91, 40), "the act"),
        (Seconds(20, None, 40), "the act"),
        (Seconds(20, 30, 185), "mail quick again"),
        (Seconds(20, 30, None), "mail quick again"),
    ],
)
def test_each_goal_that_is_missed_is_said(seconds: Seconds, says: str) -> None:
    (complaint,) = report(CALLED_FOR, seconds, DRAIN).complaints

    assert says in complaint


def test_an_act_that_nothing_called_for_is_said() -> None:
    nothing = Expected(None, (), tolerated=("demote mx2",))
    demotion = replace(DRAIN, name="demote", whom="mx2")

    assert report(nothing, Seconds(None, None, 0), demotion).well
    assert not report(nothing, Seconds(None, None, 0), DRAIN).well


def test_mail_may_be_late_where_nothing_can_be_done() -> None:
    hopeless = Expected(None, ("ResolverSlow",), recovers=False)

    assert report(hopeless, Seconds(20, None, None)).well


def test_a_loss_is_a_complaint() -> None:
    made = report(CALLED_FOR, Seconds(20, 30, 40), DRAIN)
    made.ledger.lost.append(("run-00001", "load@mailbox.example"))

    assert not made.well


@pytest.mark.parametrize(
    ("act", "host"), [("drain mx1", "mx1"), ("demote mx2", "mx2"), ("bypass rspamd", None), (None, None)]
)
def test_who_is_drained_or_demoted_comes_behind_in_dns(act: str | None, host: str | None) -> None:
    assert Expected(act, ()).put_behind == host
