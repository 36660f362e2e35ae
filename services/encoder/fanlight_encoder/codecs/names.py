"""The names of the implementations.

They stand apart from the implementations, because processes read settings without loading PyAV.
Owns constants, and drops nothing.
"""

AUTO = "auto"
H264_NVENC = "h264_nvenc"
H264_VAAPI = "h264_vaapi"
LIBX264 = "libx264"

IMPLEMENTATIONS = (H264_NVENC, H264_VAAPI, LIBX264)
"""The preferred one first: hardware before software."""
