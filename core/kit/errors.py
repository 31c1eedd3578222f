"""The two exceptions that reach an edge, and no third."""


class Problem(Exception):
    """The customer can understand it and act: too little money, a wrong number.

    It has a stable `code` that names a text in the catalogue; `facts` fill that text.
    Alerts nobody.
    """

    code: str = "problem"

    def __init__(self, code: str | None = None, **facts: object) -> None:
        self.code = code or type(self).code
        self.facts = facts
        super().__init__(self.code)


class Fault(Exception):
    """Ours to fix. The customer gets an apology and a reference, operators get the rest."""
