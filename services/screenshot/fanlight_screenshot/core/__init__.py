"""The screenshot service's decisions: parameters, entity tags, admission, which grab is fresh
enough, what changed where.

Pure: time is an argument, and no thread or loop is needed. It owns counts and times of changes, and
drops those of frames that are too old to make a patch from.
"""
