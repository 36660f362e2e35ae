"""The table of what fanlight costs beside what cannot be avoided; `__main__` runs it.

Each module measures one part of it, or is one of the processes that a part starts.
"""
