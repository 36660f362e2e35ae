// @ts-check
/**
 * Drops messages that this release does not understand, and logs each kind of error once. Lives in
 * the worker; owns the set of texts that it has logged.
 *
 * A gateway of a later release may send a message that this viewer does not know, sixty times a
 * second. The worker drops that message and nothing else. After `MOST_SAID` different texts it logs
 * no further one, because the set must not grow without a limit; it still drops the messages.
 */

import { ProtocolError } from "./constants.js";

/** At most so many different texts are logged. */
export const MOST_SAID = 100;

export class Refusals {
  /** @type {Set<string>} */
  #said = new Set();
  #log;

  /** @param {(text: string) => void} log */
  constructor(log = (text) => console.error(text)) {
    this.#log = log;
  }

  /**
   * Runs `receive`. If it throws a ProtocolError, logs that, and drops the message.
   *
   * @param {() => void} receive
   */
  guard(receive) {
    try {
      receive();
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      if (this.#said.has(error.message) || this.#said.size >= MOST_SAID) return;
      this.#said.add(error.message);
      this.#log(`fanlight: ${error.message}`);
    }
  }
}
