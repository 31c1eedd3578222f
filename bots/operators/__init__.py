"""The operators' bot: a process and a token of its own. The one package that imports telegram."""
