"""Telegram: the customers' bot, on the Bot API."""
