"""Capture's decisions: what changed, when to grab, which keys are held, how to type a character.

Pure: it does no I/O and reads no clock, because time is an argument. So nothing here belongs to a
thread or a loop. It decides which changes are not grabbed one by one, and which downs and ups are
dropped; each module says what it owns.
"""
