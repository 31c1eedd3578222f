"""Pictures, drawn on this machine."""
