"""The table of what fanlight costs beside what cannot be avoided; `__main__` runs it.

Each module measures one part of it on the real clock. What is measured, and the programs of
`programs/`, are processes beside the bench, and end with the part. Where a part fails, the table
keeps its earlier figures.
"""
