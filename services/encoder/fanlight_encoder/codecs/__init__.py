"""Video codecs: pictures in, access units out.

`base` says what a codec is and what it can do, and `registry` which codecs there are, the preferred
one first; nothing outside this folder knows a codec by name. An open codec belongs to one stream
and lives on the thread that calls it. It drops nothing: each picture is one unit, at once.
"""
