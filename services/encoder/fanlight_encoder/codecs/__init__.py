"""Video codecs: pictures in, access units out. `base` says what a codec is and what it can do,
`registry` which there are, in the order in which they are preferred; nothing outside this folder
knows one by name. An open codec lives on the thread of the stream that owns it, and drops nothing:
one picture is one unit, at once.
"""
