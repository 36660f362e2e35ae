// @ts-check
/**
 * What the page refuses because it does not understand it: said once in the console.
 *
 * A gateway of a later release may send a message that this page does not know, sixty times a
 * second. The page drops that message and nothing else. Keeps at most MOST_SAID texts in mind; what
 * comes beyond them is dropped in silence.
 */

import { ProtocolError } from "./constants.js";

export const MOST_SAID = 100;

export class Refusals {
  /** @type {Set<string>} */
  #said = new Set();
  #log;

  /** @param {(text: string) => void} log */
  constructor(log = (text) => console.error(text)) {
    this.#log = log;
  }

  /** Runs `receive`; logs a ProtocolError of it, and drops the message. @param {() => void} receive */
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
