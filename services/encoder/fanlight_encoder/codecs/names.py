"""The names of the implementations, apart from them: settings are read where PyAV is not loaded."""

AUTO = "auto"
H264_NVENC = "h264_nvenc"
H264_VAAPI = "h264_vaapi"
LIBX264 = "libx264"

IMPLEMENTATIONS = (H264_NVENC, H264_VAAPI, LIBX264)
"""In the order in which they are preferred: hardware first."""
