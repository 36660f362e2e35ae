"""The screenshot service: frames of desks in, pictures and patches over HTTP out.

It owns the last picture of each desk that was asked for, and what each client has on its canvas.
`core` decides, `desks` and `http` live on the worker's one loop, and `images` encodes in a pool of
threads. It drops every frame but the newest, and the pictures that were used longest ago.
"""
