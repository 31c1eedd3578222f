"""Secrets at rest, and keyed digests of what must be recognised but not kept."""

import base64
import hashlib
import hmac

from cryptography.fernet import Fernet, MultiFernet

from core.kit.errors import Fault


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
        keys = [base64.urlsafe_b64encode(_derive(phrase, b"encrypt")) for phrase in phrases]
        self._box = MultiFernet([Fernet(key) for key in keys])
        self._digest_key = _derive(phrases[0], b"digest")

    def encrypt(self, text: str) -> str:
        return self._box.encrypt(text.encode()).decode()

    def decrypt(self, token: str) -> str:
        """Raises `Unreadable` when no key fits."""
        try:
            return self._box.decrypt(token.encode()).decode()
        except Exception as error:
            raise Unreadable("a stored secret cannot be read with the present key") from error

    def digest(self, *parts: str) -> str:
        """A short keyed digest: equal parts, equal digest; nothing can be read back from it."""
        body = "\x1f".join(parts).encode()
        return base64.urlsafe_b64encode(
            hmac.digest(self._digest_key, body, hashlib.sha256)[:18]
        ).decode()


def _derive(phrase: str, purpose: bytes) -> bytes:
    return hashlib.scrypt(phrase.encode(), salt=b"callbox:" + purpose, n=2**14, r=8, p=1, dklen=32)
