// @ts-check
/**
 * The numbers that viewer and gateway agree on, and the error of bytes that are no message. Pure;
 * runs in the page and in the worker. They stand apart from the encoders and decoders of messages,
 * because the page does not need those.
 */

export const PROTOCOL_VERSION = 2;
/** The largest position on the desk, in 1/65536. */
export const FRACTION_MAX = 65535;
/** The value of Ack.age_ms if the age is not known. */
export const AGE_UNKNOWN = 65535;
export const INT16_MAX = 32767;

/** Why the gateway closed the connection. From 4400 on, it is of no use to connect again. */
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

/** Thrown if bytes or a text are not a message. */
export class ProtocolError extends Error {
  /** @param {string} message */
  constructor(message) {
    super(message);
    this.name = "ProtocolError";
  }
}
