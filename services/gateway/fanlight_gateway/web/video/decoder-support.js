// @ts-check
/**
 * Whether this browser plays the video at all, asked before a byte of it is sent. Lives in the
 * worker.
 */

/** What every H.264 decoder plays. */
const PLAIN_CODEC = "avc1.42E01F";

/** @returns {Promise<"insecure" | "unsupported" | null>} why not; null: it does */
export async function missingDecoder() {
  if (typeof VideoDecoder === "undefined") return isSecureContext ? "unsupported" : "insecure";
  const { supported } = await VideoDecoder.isConfigSupported({ codec: PLAIN_CODEC });
  return supported ? null : "unsupported";
}
