"""The one patch engine: from two pictures to copies and small images, for encoder and screenshots.

It owns no state, and its functions may be called on any thread. They find what differs
(`differences`) and what scrolled (`scrolling`), or both together (`changes`), tell text from
pictures (`contents`), write image files (`images`, `png`), and make blurry places sharp
(`refining`). Its pure parts stand in `fanlight_common.core`: how sharp each tile is (`sharpness`),
how large an image will be (`prices`) and what a link carries (`budget`). It drops nothing: the
services decide what is sent, and when.
"""
