"""The screenshot service's decisions: parameters, entity tags, which grab is fresh enough. Pure:
time is an argument.
"""
