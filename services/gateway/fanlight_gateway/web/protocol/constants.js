// @ts-check
/**
 * The numbers that viewer and gateway agree on, and the error of a message that is none. Pure; runs in
 * the page and in the worker. They are apart from the codecs, which the page does not need.
 */

export const PROTOCOL_VERSION = 2;
export const FRACTION_MAX = 65535;
/** What Ack.age_ms is when the age is not known. */
export const AGE_UNKNOWN = 65535;
export const INT16_MAX = 32767;

/** Why the gateway closed the connection. From 4400 on, connecting again by itself is of no use. */
export const CloseCode = Object.freeze({
  GOING_AWAY: 1001,
  FAILED: 1011,
  TRY_LATER: 1013,
  SLOW: 4000,
  BAD_MESSAGE: 4400,
  UNAUTHORIZED: 4401,
  FORBIDDEN: 4403,
  NO_SUCH_DESK: 4404,
  REPLACED: 4409,
  TOO_FAST: 4429,
});

/** The bytes are not a message. */
export class ProtocolError extends Error {
  /** @param {string} message */
  constructor(message) {
    super(message);
    this.name = "ProtocolError";
  }
}
