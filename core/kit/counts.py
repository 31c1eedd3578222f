"""So many of something, in words."""


def counted(many: int, one: str, more: str = "") -> str:
    """`1 minute`, `2 minutes`, `0 minutes`; `more` where an `s` does not make it several."""
    return f"{many:,} {one if many == 1 else more or one + 's'}"
