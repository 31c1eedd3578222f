"""MikroTik routers with a hotspot, simulated: the RouterOS API over TCP, and the hotspot itself.

What is imitated is what MikroTik's manual says of the API and of hotspots, and what public code has
met of its messages. `sandbox.routeros.simulator` is the part that the sandbox registers.
"""
