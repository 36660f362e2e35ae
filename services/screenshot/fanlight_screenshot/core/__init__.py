"""The screenshot service's decisions: parameters, entity tags, admission, which grab is fresh
enough, what changed where. Pure: time is an argument. It holds counts and times of changes, and
drops those of frames that are too old to make a patch from.
"""
