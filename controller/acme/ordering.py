"""Order a certificate (RFC 8555) with the library of Certbot's authors; the challenge is DNS-01."""

import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from acme import challenges, client, errors, messages
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding
from josepy.jwk import JWKRSA
from josepy.util import ComparableRSAKey

from controller.acme.challenges import Texts, challenge_name
from controller.acme.renewing import Key
from controller.errors import ControllerError
from inventory.acme import Acme

AGENT = "twinmx"
ORDER_SECONDS = 180.0


def request(names: Sequence[str], key: Key) -> bytes:
    """A signing request for `names`, in PEM."""
    alternatives = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    return (
        builder.add_extension(alternatives, critical=False)
        .sign(key, hashes.SHA256())
        .public_bytes(Encoding.PEM)
    )


class Authority:
    """An account with an authority; made there when it is new. Raises ControllerError."""

    def __init__(
        self, knobs: Acme, account: RSAPrivateKey, *, wait: Callable[[float], None] = time.sleep
    ) -> None:
        self._knobs = knobs
        self._wait = wait
        self._net = client.ClientNetwork(JWKRSA(key=ComparableRSAKey(account)), user_agent=AGENT)
        if knobs.authority:
            self._net.verify_ssl = knobs.authority  # type: ignore[assignment]  # requests takes a path as well
        try:
            directory = client.ClientV2.get_directory(knobs.directory, self._net)
            self._client = client.ClientV2(directory, self._net)
            self._register()
        except (errors.Error, messages.Error, OSError, ValueError) as error:
            raise ControllerError(f"{knobs.directory}: {error}") from None

    def _register(self) -> None:
        wanted = messages.NewRegistration.from_data(email=self._knobs.contact, terms_of_service_agreed=True)
        try:
            self._client.new_account(wanted)
        except errors.ConflictError as known:
            held = messages.RegistrationResource(uri=known.location, body=messages.Registration())
            self._net.account = self._client.query_registration(held)

    def certificate(self, names: Sequence[str], key: Key, texts: Texts) -> bytes:
        """A certificate for `names` and its chain, in PEM."""
        try:
            order = self._client.new_order(request(names, key))
            answers = [
                (self._dns01(one), one.body.identifier.value) for one in order.authorizations if _open(one)
            ]
            wanted: dict[str, list[str]] = {}
            for challenge, name in answers:
                wanted.setdefault(challenge_name(name), []).append(challenge.validation(self._net.key))
            texts.set(wanted)
            try:
                if wanted:
                    self._wait(self._knobs.propagation_seconds)
                for challenge, _ in answers:
                    self._client.answer_challenge(challenge, challenge.response(self._net.key))
                # the library compares with a time without zone
                end = datetime.now() + timedelta(seconds=ORDER_SECONDS)
                return self._client.poll_and_finalize(order, end).fullchain_pem.encode()
            finally:
                texts.remove(list(wanted))
        except errors.ValidationError as error:
            raise ControllerError(f"{', '.join(names)}: {_reasons(error)}") from None
        except (errors.Error, messages.Error, OSError) as error:
            raise ControllerError(f"{', '.join(names)}: {error}") from None

    def _dns01(self, authorization: messages.AuthorizationResource) -> messages.ChallengeBody:
        for challenge in authorization.body.challenges:
            if isinstance(challenge.chall, challenges.DNS01):
                return challenge
        raise ControllerError(f"{authorization.body.identifier.value}: the authority offers no DNS-01")


def _open(authorization: messages.AuthorizationResource) -> bool:
    return bool(authorization.body.status != messages.STATUS_VALID)


def _reasons(error: errors.ValidationError) -> str:
    found = [
        f"{one.body.identifier.value}: {challenge.error.detail}"
        for one in error.failed_authzrs
        for challenge in one.body.challenges
        if challenge.error is not None
    ]
    return "; ".join(found) or "the authority does not believe that the names are ours"
