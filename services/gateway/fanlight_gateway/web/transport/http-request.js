// @ts-check
/**
 * Makes one request of the plain HTTP transport, and says what an answer stands for. Lives in the
 * worker. It keeps no state. It does not say why a request failed (no network, no answer in time,
 * the transport has ended), because the caller does the same in each case.
 *
 * @typedef {{ status: number, headers: Headers, body: ArrayBuffer }} Answer
 */

import { CloseCode } from "../protocol/constants.js";
import { ABNORMAL_CLOSURE } from "./transport.js";

/**
 * Sends a request, and waits for the whole answer.
 *
 * @param {URL} url
 * @param {number} limit_ms
 * @param {AbortSignal} end  aborts the request
 * @param {ArrayBuffer | string} [body]  undefined: a GET
 * @returns {Promise<Answer | null>} null if no answer came within the limit
 */
export async function request(url, limit_ms, end, body) {
  const controller = new AbortController();
  const abort = () => controller.abort();
  const timer = setTimeout(abort, limit_ms);
  end.addEventListener("abort", abort);
  try {
    const response = await fetch(url, {
      method: body === undefined ? "GET" : "POST",
      body,
      cache: "no-store",
      signal: controller.signal,
    });
    const { status, headers } = response;
    return { status, headers, body: await response.arrayBuffer() };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return null;
  } finally {
    clearTimeout(timer);
    end.removeEventListener("abort", abort);
  }
}

/** Returns the close code that an answer stands for. @param {Answer | null} answer  null: none */
export function closeCodeOf(answer) {
  const body = answer && parseJson(answer.body);
  if (typeof body?.code === "number") return body.code;
  // Without `error`, a proxy made this answer and not the gateway.
  if (typeof body?.error !== "string") return ABNORMAL_CLOSURE;
  if (answer?.status === 401) return CloseCode.UNAUTHORIZED;
  return answer?.status === 403 ? CloseCode.FORBIDDEN : ABNORMAL_CLOSURE;
}

/** @param {ArrayBuffer} body @returns {any} null if it is not JSON */
export function parseJson(body) {
  try {
    return JSON.parse(new TextDecoder().decode(body));
  } catch {
    return null;
  }
}
