"""The names of the implementations, apart from them: settings are read where PyAV is not loaded."""

AUTO = "auto"
NVENC = "h264_nvenc"
VAAPI = "h264_vaapi"
X264 = "libx264"

IMPLEMENTATIONS = (NVENC, VAAPI, X264)
"""In the order in which they are preferred: hardware first."""
