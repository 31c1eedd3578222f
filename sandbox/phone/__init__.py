"""A feature phone in the browser that dials Callbox as a USSD gateway would."""
