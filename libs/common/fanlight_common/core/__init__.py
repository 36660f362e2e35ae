"""Errors, names, clocks and policies that everything is built on.

Pure: it imports the standard library and other `core` modules only, and time is an argument. It
owns no state of a process and lives on no thread of its own. It drops nothing itself; `handover`
and `unit_order` say which units a consumer drops.
"""
