"""Pure parts: the standard library and other `core` modules only; time is an argument."""
