"""What every fanlight process shares.

`service` is one process on the bus and imports `bus` (sockets, feeds), which imports `process`
(what a process has without a bus); `patching` is the patch engine; all of them import `protocol`
(every message) and `core` (names, errors, policies), which are pure, and none imports back.
Code lives on the worker's loop unless its module names a thread. What a folder may drop stands in
its own docstring.
"""
