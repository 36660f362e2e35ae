"""The `fanlight` command: everything on one machine (`up`), links (`token`), `doctor`, `keys`.

It starts the services as child processes, and imports none of them. `up` lives on one event loop,
owns the demonstration desk and a private runtime directory, and removes both at its end. Nothing is
dropped but a child's output lines of more than 1 MiB.
"""
