"""Conversations as data: screens, flows and the pure machine that steps through them."""
