"""The payment page that a payer sees, the same for every simulated gateway."""

import html
from collections.abc import Mapping
from urllib.parse import urlencode, urlsplit

from core.kit.money import show
from sandbox.payments import Payment

_WORDS = {
    "pending": "",
    "paid": "Paid. You may close this page.",
    "failed": "The card was declined. Try again.",
}
_BUTTON = '<form method="post"><button type="submit">Pay</button></form>'
_STYLE = """
  body { font: 1.1rem/1.5 system-ui, sans-serif; max-width: 22rem; margin: 12vh auto;
         padding: 0 1rem; background: #fdf8ef; color: #2b2118; }
  .amount { font-size: 2.4rem; font-weight: 700; margin: .2em 0; }
  .address { overflow-wrap: anywhere; }
  button { font: inherit; width: 100%; padding: .8em; border: 0; border-radius: .6em;
           background: #0b7a4b; color: #fff; cursor: pointer; }
  @media (prefers-color-scheme: dark) { body { background: #1d1712; color: #f3e9da; } }
"""


def page(payment: Payment, status: str) -> str:
    """The page as HTML; `status` is that of `sandbox.payments.status_of`."""
    return f"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Simulated payment</title>
<style>{_STYLE}</style>
<p><small>Simulated payment page: no money moves.</small></p>
<p class="amount">{html.escape(show(payment.amount))}</p>
<p class="address">{html.escape(payment.email)}<br>
<small>{html.escape(payment.reference)}</small></p>
<p role="status">{_WORDS[status]}</p>
{"" if status == "paid" else _BUTTON}
</html>"""


def back(callback_url: str, query: Mapping[str, str]) -> str:
    """Where the payer goes after the page: the merchant's address, with `query` added."""
    joint = "&" if urlsplit(callback_url).query else "?"
    return f"{callback_url}{joint}{urlencode(query)}"
