// @ts-check
/**
 * Finds out whether this browser plays H.264 at all, before any video is sent. Lives in the worker.
 */

/** Constrained Baseline, level 3.1, which every H.264 decoder plays. */
const PLAIN_CODEC = "avc1.42E01F";

/**
 * Finds out why this browser cannot play H.264.
 *
 * @returns {Promise<"insecure" | "unsupported" | null>} null if it can
 */
export async function missingDecoder() {
  // Browsers offer VideoDecoder to secure pages only.
  if (typeof VideoDecoder === "undefined") return isSecureContext ? "unsupported" : "insecure";
  const { supported } = await VideoDecoder.isConfigSupported({ codec: PLAIN_CODEC });
  return supported ? null : "unsupported";
}
