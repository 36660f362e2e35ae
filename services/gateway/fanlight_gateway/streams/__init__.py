"""What the gateway receives from the bus: streams, fanned out to viewers, and the desks' events.

Lives on the worker's loop. Drops units of encoders whose lease is over.
"""
