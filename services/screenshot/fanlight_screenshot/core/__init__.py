"""The screenshot service's decisions: parameters, entity tags, admission, which grab is fresh
enough, what changed where, when a desk and its pointer are followed, what a request waits for.

Pure: time is an argument, and no thread or loop is needed. It owns states, counts and times of
changes, and drops the times of frames that are too old to make a patch from.
"""
