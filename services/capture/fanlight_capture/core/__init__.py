"""Capture's decisions: what changed, when to grab, which keys are held, how to type a character.

Pure: no I/O and no clock, time is an argument, so nothing here belongs to a thread or a loop.
It decides which pictures are not grabbed, and which downs and ups mean nothing; see each module.
"""
