// @ts-check
/**
 * The gateway's HTTP API, as far as the page needs it. Lives in the page. Every URL is relative to
 * the page, which may have any path.
 *
 * @typedef {{ name: string, state: string, width: number, height: number }} Desk
 */

/** The gateway refuses, or does not answer. */
export class ApiError extends Error {
  /** @param {number} status  0: no answer */
  constructor(status) {
    super(status ? `the gateway answered ${status}` : "the gateway does not answer");
    this.name = "ApiError";
    this.status = status;
  }
}

/**
 * Takes the token out of the address, so that it is not in the history, not in a bookmark, and not
 * on a screen that is shared.
 *
 * @returns {string | null} null: there is none
 */
export function takeToken() {
  const fragment = new URLSearchParams(location.hash.slice(1));
  const token = fragment.get("token");
  if (token !== null) history.replaceState(history.state, "", location.pathname + location.search);
  return token;
}

/** Swaps a token for a cookie that scripts cannot read. Throws ApiError. @param {string} token */
export async function signIn(token) {
  await request("api/session", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ token }),
  });
}

/** Throws ApiError. @returns {Promise<Desk[]>} those that the person may see */
export async function listDesks() {
  const response = await request("api/desks", { cache: "no-store" });
  return (await response.json()).desks;
}

/** The base of a desk's URLs. @param {string} desk */
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
