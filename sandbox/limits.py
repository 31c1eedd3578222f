"""How often one may do something: a bucket that empties with time, as the platforms count it."""

from dataclasses import dataclass, field

_EXACT_S = 1e-4  # sums of fractions of a second since 1970 are no more exact


@dataclass(slots=True)
class Bucket:
    """One thing every `every_s` seconds per key, `burst` of them at once after a rest.

    Keys are forgotten when they are full again, so it stays small.
    """

    every_s: float
    burst: int
    _free_at: dict[str, float] = field(default_factory=dict)

    def wait(self, key: str, now: float) -> float:
        """Take one; 0, or how many seconds it is too early (nothing is taken then)."""
        free_at = max(self._free_at.get(key, now), now)
        early = free_at - now - self.every_s * (self.burst - 1)
        if early > _EXACT_S:
            return early
        self._free_at = {each: at for each, at in self._free_at.items() if at > now}
        self._free_at[key] = free_at + self.every_s
        return 0.0

    def forget(self) -> None:
        self._free_at.clear()
