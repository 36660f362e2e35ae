// @ts-check
/**
 * Fetches the first picture of a desk: a small, coarse screenshot. It is asked for while the
 * connection is still being opened, so that a thin link shows something at once. fanlight's own
 * page asks for it before anything else (start.js); in other pages the worker does. So this runs in
 * both.
 *
 * It makes one request without a retry, because video comes all the same if it fails. The quality
 * is a constant here and not a setting of the gateway, because the request goes out before the
 * gateway's first message has come.
 *
 * @typedef {{ bitmap: ImageBitmap, bytes: number, captured_us: number | null, stale: boolean
 *   }} FirstScreenshot
 * captured_us: in the gateway's clock. stale: the desk is away, and this was its last picture.
 */

/** JPEG quality, 1 to 100. */
const QUALITY = 40;
/** The size of the picture, as a part of the desk's. */
const SCALE = 0.5;

/**
 * Fetches the screenshot. The caller closes the bitmap.
 *
 * @param {URL} screenshot  the desk's screenshot URL
 * @param {{ signal?: AbortSignal, token?: string | null }} options
 *   token: signs in, if there is no cookie yet
 * @returns {Promise<FirstScreenshot | null>} null if there is none, for whatever reason
 */
export async function fetchFirstScreenshot(screenshot, { signal, token }) {
  const url = new URL(screenshot);
  url.search = new URLSearchParams({
    format: "jpeg",
    quality: String(QUALITY),
    scale: String(SCALE),
    cursor: "0",
  }).toString();
  try {
    const headers = token ? { Authorization: `Bearer ${token}` } : undefined;
    const response = await fetch(url, { signal, headers, cache: "no-store" });
    if (!response.ok) return null;
    const blob = await response.blob();
    const bitmap = await createImageBitmap(blob);
    const captured_us = Number(response.headers.get("X-Fanlight-Captured-Us") ?? NaN);
    return {
      bitmap,
      bytes: blob.size,
      captured_us: Number.isSafeInteger(captured_us) ? captured_us : null,
      stale: response.headers.get("X-Fanlight-Stale") === "1",
    };
  } catch (error) {
    // The network failed, the answer is no image, or `signal` aborted the request.
    if (!(error instanceof Error)) throw error;
    return null;
  }
}
