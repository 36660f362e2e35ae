// @ts-check
/**
 * The gateway's HTTP API, as far as the page needs it. Every URL is relative to the page, which may
 * stand under any path.
 *
 * @typedef {{ name: string, state: string, width: number, height: number }} Desk
 */

/** The gateway does not let us in, or does not answer. */
export class ApiError extends Error {
  /** @param {number} status  0: no answer */
  constructor(status) {
    super(status ? `the gateway answered ${status}` : "the gateway does not answer");
    this.name = "ApiError";
    this.status = status;
  }
}

/**
 * The token in the address, which is taken out of it at once: not in the history, not on a screen
 * that somebody shares, not in a bookmark.
 *
 * @returns {string | null}
 */
export function takeToken() {
  const fragment = new URLSearchParams(location.hash.slice(1));
  const token = fragment.get("token");
  if (token !== null) history.replaceState(history.state, "", location.pathname + location.search);
  return token;
}

/** Swaps a token for a cookie that scripts cannot read. @param {string} token */
export async function signIn(token) {
  await request("api/session", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ token }),
  });
}

/** @returns {Promise<Desk[]>} */
export async function listDesks() {
  const response = await request("api/desks", { cache: "no-store" });
  return (await response.json()).desks;
}

/** Where a desk's own addresses begin. @param {string} desk */
export function deskUrl(desk) {
  return new URL(`api/desks/${encodeURIComponent(desk)}/`, document.baseURI).href;
}

/** A small picture of a desk. @param {string} desk */
export function thumbnailUrl(desk) {
  return `${deskUrl(desk)}screenshot?format=jpeg&quality=60&scale=0.25`;
}

/** @param {string} path @param {RequestInit} options */
async function request(path, options) {
  let response;
  try {
    response = await fetch(new URL(path, document.baseURI), options);
  } catch (error) {
    if (error instanceof TypeError) throw new ApiError(0);
    throw error;
  }
  if (!response.ok) throw new ApiError(response.status);
  return response;
}
