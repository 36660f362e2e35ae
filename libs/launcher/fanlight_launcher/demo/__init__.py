"""The demonstration desk: what `fanlight up` shows where no display is named."""
