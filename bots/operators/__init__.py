"""The operators' bot: a process and a token of its own. The one package that imports telegram."""

import os

# Times as `timedelta`, which is what the library will give one day anyway. It warns until it is so.
os.environ.setdefault("PTB_TIMEDELTA", "true")
