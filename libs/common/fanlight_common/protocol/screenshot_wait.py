"""How long a request for a screenshot may be held: the gateway and the screenshot service agree.

Pure: standard library only.
"""

WAIT_MAX_S = 25
"""The largest `wait` of a request, seconds. The service refuses more, and the gateway waits no
longer. Proxies tend to give up on an answer after 30 seconds."""
