"""The one patch engine: from two pictures to copies and small images, for encoder and screenshots.

Functions without state, called from any thread: what differs (`differences`), what scrolled
(`scrolling`), both together (`changes`), text or picture (`contents`), image files (`images`,
`png`), and what makes blurry places sharp (`refining`). What is pure of it stands in
`fanlight_common.core`: which tiles are how sharp (`sharpness`), what an image will cost (`prices`)
and what a link carries (`budget`). It drops nothing: the services decide what is sent, and when.
"""
