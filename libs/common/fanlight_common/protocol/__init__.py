"""Every message that fanlight sends, each defined once, here.

Owns the bytes and the rules by which two releases understand each other. Pure: it lives on no loop
and drops nothing; a decoder raises ProtocolError, and the caller decides what is lost.

- `binary`, `input`: binary messages between viewer and gateway
- `control`: JSON messages between viewer and gateway
- `batches`: both of them as the body of an HTTP request
- `frames`: raw frames on the bus
- `patch`: what a patch holds
- `bus`: everything else on the bus, by the codec in `wire`
- `topics`: the topics of the bus
- `keyboard`: physical keys
- `layouts`: binary messages of a fixed size
"""
