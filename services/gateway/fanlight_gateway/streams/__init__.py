"""What the gateway receives from the bus: units fanned out to viewers, desks' events, their
records.

Lives on the worker's loop. `fan_out` offers each unit to the gate of every viewer of its stream;
units of encoders whose lease is over are dropped below it, in common's unit feed.
"""
