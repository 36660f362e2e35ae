"""Capture's decisions: damage, when to grab, which keys are held, how to type. Pure: time is an
argument. Drops nothing of input; of frames it decides which are not grabbed.
"""
