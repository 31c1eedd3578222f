"""Secrets at rest, and keyed digests of what must be recognised but not kept."""

import base64
import hashlib
import hmac
import os
from functools import cached_property, lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from core.kit.errors import Fault
from core.kit.ids import joined

_NONCE_BYTES = 12


class Unreadable(Fault):
    """A stored secret that no present key opens: the key was changed, or the row altered."""


class Keyring:
    """Encrypts with the newest key, decrypts with any: keys rotate without a stop.

    `secret` is one passphrase or several separated by commas, newest first. Each use gets a key of
    its own, so a digest never tells anything about a cipher text.
    """

    def __init__(self, secret: str) -> None:
        phrases = [phrase for phrase in (part.strip() for part in secret.split(",")) if phrase]
        if not phrases:
            raise Fault("CALLBOX_SECRET_KEY is empty")
        self._newest, *self._older = (_Keys(phrase) for phrase in phrases)
        self._newest.stretched  # noqa: B018 - stretched while starting, not in a customer's turn

    def encrypt(self, text: str) -> str:
        return self._newest.box.encrypt(text.encode()).decode()

    def decrypt(self, token: str) -> str:
        """Raises `Unreadable` when no key fits."""
        for keys in (self._newest, *self._older):
            try:
                return keys.box.decrypt(token.encode()).decode()
            except (InvalidToken, UnicodeError):
                continue
        raise Unreadable("a stored secret cannot be read with the present key")

    def seal(self, text: str, about: bytes) -> bytes:
        """Encrypt what there are hundreds of thousands of, for one row: it opens for no other.

        AES-256-GCM: a random nonce of 12 bytes, then the text. Ten times as quick as `encrypt`.
        """
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._newest.aead.encrypt(nonce, text.encode(), about)

    def unseal(self, sealed: bytes, about: bytes) -> str:
        """Raises `Unreadable` when no key fits, or it is of another row."""
        nonce, rest = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        for keys in (self._newest, *self._older):
            try:
                return keys.aead.decrypt(nonce, rest, about).decode()
            except (InvalidTag, ValueError):
                continue
        raise Unreadable("a stored secret cannot be read with the present key")

    def digests(self, *parts: str) -> list[str]:
        """The digest by each key, the newest first: what was kept before a rotation is found."""
        body = joined(*parts).encode("utf-8", "surrogatepass")
        return [_digest(keys, body) for keys in (self._newest, *self._older)]

    def digest(self, *parts: str) -> str:
        """A short keyed digest: equal parts, equal digest; nothing can be read back from it.

        It is made with the newest key, so a rotation changes it: what lives longer than minutes is
        looked for by `digests`.
        """
        return _digest(self._newest, joined(*parts).encode("utf-8", "surrogatepass"))


class _Keys:
    """What one passphrase gives, each part made when first needed.

    Stretching takes tens of milliseconds on purpose; an old phrase is seldom asked for.
    """

    def __init__(self, phrase: str) -> None:
        self._phrase = phrase

    @cached_property
    def stretched(self) -> bytes:
        return _stretched(self._phrase)

    @cached_property
    def box(self) -> Fernet:
        return Fernet(base64.urlsafe_b64encode(self._for(b"encrypt")))

    @cached_property
    def aead(self) -> AESGCM:
        return AESGCM(self._for(b"seal"))

    @cached_property
    def digest_key(self) -> bytes:
        return self._for(b"digest")

    def _for(self, purpose: bytes) -> bytes:
        """HKDF's expand step (RFC 5869, 2.3) for one block of output."""
        return hmac.digest(self.stretched, purpose + b"\x01", hashlib.sha256)


@lru_cache(maxsize=8)
def _stretched(phrase: str) -> bytes:
    return hashlib.scrypt(phrase.encode(), salt=b"callbox", n=2**14, r=8, p=1, dklen=32)


def _digest(keys: _Keys, body: bytes) -> str:
    made = hmac.digest(keys.digest_key, body, "sha256")
    return base64.urlsafe_b64encode(made[:18]).decode()
