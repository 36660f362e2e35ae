// @ts-check
/**
 * Calls the gateway's HTTP API, as far as the page needs it. Lives in the page. Every URL is
 * relative to the page, which may have any path.
 *
 * @typedef {{ name: string, state: string, width: number, height: number }} Desk
 */

/** If the desk that is wanted is not found, or none is, the page looks again after this (ms). */
export const LOOK_AGAIN_MS = 2000;

/** Thrown if the gateway refuses a request or does not answer. */
export class ApiError extends Error {
  /** @param {number} status  0: no answer */
  constructor(status) {
    super(status ? `the gateway answered ${status}` : "the gateway does not answer");
    this.name = "ApiError";
    this.status = status;
  }
}

/** Returns the token in the address. @returns {string | null} null if there is none */
export function tokenInAddress() {
  return new URLSearchParams(location.hash.slice(1)).get("token");
}

/**
 * Takes the token out of the address, so that it is neither in the history nor in a bookmark nor on
 * a screen that is shared.
 *
 * @returns {string | null} null if there is none
 */
export function takeToken() {
  const token = tokenInAddress();
  if (token !== null) history.replaceState(history.state, "", location.pathname + location.search);
  return token;
}

/** Swaps a token for a cookie that scripts cannot read. Throws ApiError. @param {string} token */
export async function signIn(token) {
  await callApi("api/session", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ token }),
  });
}

/** Returns the desks that the person may see. Throws ApiError. @returns {Promise<Desk[]>} */
export async function listDesks() {
  const response = await callApi("api/desks", { cache: "no-store" });
  return (await response.json()).desks;
}

/** Returns the base of a desk's URLs. @param {string} desk */
export function deskUrl(desk) {
  return new URL(`api/desks/${encodeURIComponent(desk)}/`, document.baseURI).href;
}

/** Returns the URL of a small picture of a desk. @param {string} desk */
export function thumbnailUrl(desk) {
  return `${deskUrl(desk)}screenshot?format=jpeg&quality=60&scale=0.25`;
}

/** Sends a request. Throws ApiError. @param {string} path @param {RequestInit} options */
async function callApi(path, options) {
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
