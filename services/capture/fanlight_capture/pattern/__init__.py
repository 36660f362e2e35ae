"""The synthetic desk: moving pictures without a display, and a record of the input that it got.

Lives on the worker's loop. Owns the number of the picture and the recorded input. Drops the
pictures between two grabs, as a real desk does, and the oldest recorded input beyond MAX_RECORDED.
"""
