// @ts-check
/**
 * Whether this browser plays H.264 at all, asked before any video is sent. Lives in the worker.
 */

/** Constrained Baseline, level 3.1, which every H.264 decoder plays. */
const PLAIN_CODEC = "avc1.42E01F";

/** @returns {Promise<"insecure" | "unsupported" | null>} why it does not; null: it does */
export async function missingDecoder() {
  // Browsers offer VideoDecoder to secure pages only.
  if (typeof VideoDecoder === "undefined") return isSecureContext ? "unsupported" : "insecure";
  const { supported } = await VideoDecoder.isConfigSupported({ codec: PLAIN_CODEC });
  return supported ? null : "unsupported";
}
