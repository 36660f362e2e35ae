// @ts-check
/**
 * The first picture: a small, coarse screenshot, asked for while the WebSocket is still being opened,
 * so that a thin link shows something at once. Asked for by fanlight's own page before anything else
 * (start.js), elsewhere by the worker. It is one request, without a retry: if it fails, video comes
 * all the same. Its quality is no setting of the gateway's, because it is asked for before the
 * gateway's first message is there.
 *
 * @typedef {{ bitmap: ImageBitmap, bytes: number, captured_us: number | null, stale: boolean }} Still
 */

export const QUALITY = 40;
export const SCALE = 0.5;

/**
 * Whoever is handed the bitmap closes it.
 *
 * @param {URL} screenshot
 * @param {{ signal?: AbortSignal, token?: string | null }} options  token: where there is no cookie yet
 * @returns {Promise<Still | null>} null where there is none, for whatever reason
 */
export async function firstStill(screenshot, { signal, token }) {
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
    // No network, no image, or not wanted any more.
    if (!(error instanceof Error)) throw error;
    return null;
  }
}
