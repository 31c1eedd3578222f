"""Telegram: the customers' bot, on the Bot API. Calls are aiogram's; what comes in is read bare."""
