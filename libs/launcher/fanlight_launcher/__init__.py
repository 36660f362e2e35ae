"""`fanlight up`: all of it on one machine."""
