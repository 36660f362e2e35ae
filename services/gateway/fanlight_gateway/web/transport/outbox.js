// @ts-check
/**
 * Input on its way to the socket. Pure.
 *
 * Keys, buttons, wheel and text are never dropped and never wait. Pointer moves wait while the
 * socket is busy, the newest replacing the one before (relative ones are summed), and go before
 * whatever follows them: a position always precedes its click. Repetitions of a key that is held are
 * dropped while the socket is busy or the link is late: typed later, they would be too many.
 *
 * @import { InputMessage, PointerMoveRelative } from "../protocol/binary.js"
 */

import { INT16_MAX } from "../protocol/binary.js";

export class Outbox {
  /** Moves only. @type {InputMessage[]} */
  #moves = [];

  /** Whether moves wait for the socket. */
  get waiting() {
    return this.#moves.length > 0;
  }

  /**
   * @param {InputMessage} message
   * @param {boolean} busy  the socket still holds bytes
   * @param {boolean} late  what goes now arrives late
   * @returns {InputMessage[]} what to send now, in order
   */
  push(message, busy, late) {
    if (message.type === "Key" && message.repeat && (busy || late)) return [];
    if (message.type === "PointerMove" || message.type === "PointerMoveRelative") {
      this.#merge(message);
      return busy ? [] : this.take();
    }
    return [...this.take(), message];
  }

  /** The moves that waited. @returns {InputMessage[]} */
  take() {
    const moves = this.#moves;
    this.#moves = [];
    return moves;
  }

  /** @param {Extract<InputMessage, { type: `PointerMove${string}` }>} move */
  #merge(move) {
    const last = this.#moves.at(-1);
    if (move.type === "PointerMove") {
      // An absolute position makes every move before it pointless.
      this.#moves = [move];
    } else if (last?.type === "PointerMoveRelative" && fits(last, move)) {
      last.dx += move.dx;
      last.dy += move.dy;
    } else {
      this.#moves.push({ ...move });
    }
  }
}

/** @param {PointerMoveRelative} a @param {PointerMoveRelative} b */
function fits(a, b) {
  return Math.abs(a.dx + b.dx) <= INT16_MAX && Math.abs(a.dy + b.dy) <= INT16_MAX;
}
