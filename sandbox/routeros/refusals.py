"""What a router says when it does not do what it was told."""


class Trap(Exception):
    """A `!trap`: the words, and the category where RouterOS sends one.

    Categories: 0 missing item or command, 1 argument value, 2 interrupted, 3 scripting, 4 general,
    5 API, 6 TTY, 7 a returned value.
    """

    def __init__(self, message: str, category: int | None = None) -> None:
        self.message = message
        self.category = category
        super().__init__(message)

    def words(self) -> list[str]:
        category = [] if self.category is None else [f"=category={self.category}"]
        return ["!trap", *category, f"=message={self.message}"]


class Fatal(Exception):
    """A `!fatal` with its reason: the router closes the connection after it."""


NO_PERMISSION = "not enough permissions (9)"
NO_ITEM = "no such item"
NO_COMMAND = "no such command"
NO_PREFIX = "no such command prefix"
ALREADY = "failure: already have such item"
DUPLICATE = "failure: already have user with this name for this server"
DEVICE_MODE = "failure: not allowed by device-mode"
BAD_LOGIN = "invalid user name or password (6)"
BAD_LOGIN_OLD = "cannot log in"


def no_match(name: str) -> Trap:
    return Trap(f"input does not match any value of {name}", 1)
