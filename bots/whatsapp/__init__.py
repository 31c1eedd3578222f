"""WhatsApp by the Cloud API, at Meta itself or at a partner who speaks the same (360dialog)."""
