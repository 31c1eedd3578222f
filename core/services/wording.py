"""What a notice says."""

from core.kit.money import Money, show
from core.kit.msisdn import Msisdn, local
from core.kit.texts import Texts
from core.ports import Notice


def render(texts: Texts, notice: Notice) -> str:
    """The notice's text in the customer's language, in letters every handset shows.

    Raises:
        Fault: there is no such text, or a fact is missing that it tells of.
    """
    facts = dict(notice.facts)
    currency = str(facts.get("currency", ""))
    for name in ("amount", "fee", "total", "returned", "reserved"):
        if name in facts:
            facts[name] = show(Money(int(facts[name]), currency))
    if "recipient" in facts:
        facts["recipient"] = local(Msisdn(str(facts["recipient"])))
    if "network" in facts:
        facts["network"] = texts.get(notice.language, f"network.{facts['network']}")
    key = notice.text
    hint = facts.get("hint")
    if hint and texts.has(f"{key}.{hint}"):
        key = f"{key}.{hint}"
    return texts.get(notice.language, key, **facts)
