// @ts-check
/**
 * Decides what of a person's input is sent, waits, is merged or is dropped. Lives in the worker.
 * Pure; it keeps the pointer moves that wait.
 *
 * 1. Key presses and releases, buttons, wheel and text never wait and are never dropped.
 * 2. Pointer moves wait while the connection is busy. A position replaces the moves before it;
 *    relative moves are summed.
 * 3. Moves that wait are sent before any message that follows them, so that a position always
 *    precedes its click.
 * 4. Repetitions of a held key are dropped while the connection is busy or congested, because they
 *    would arrive when the person has let the key go.
 *
 * @import { InputMessage, PointerMoveRelative } from "../protocol/binary.js"
 */

import { INT16_MAX } from "../protocol/constants.js";

export class Outbox {
  /** Pointer moves that wait. @type {InputMessage[]} */
  #moves = [];

  /** Whether pointer moves wait. */
  get isWaiting() {
    return this.#moves.length > 0;
  }

  /**
   * Takes a message, which it does not change.
   *
   * @param {InputMessage} message
   * @param {boolean} isBusy  whether the connection still has bytes to send
   * @param {boolean} isCongested  whether a message that is sent now arrives late
   * @returns {InputMessage[]} the messages to send now, in order
   */
  push(message, isBusy, isCongested) {
    if (message.type === "Key" && message.repeat && (isBusy || isCongested)) return [];
    if (message.type === "PointerMove" || message.type === "PointerMoveRelative") {
      this.#merge(message);
      return isBusy ? [] : this.take();
    }
    return [...this.take(), message];
  }

  /** Removes and returns the moves that wait. @returns {InputMessage[]} */
  take() {
    const moves = this.#moves;
    this.#moves = [];
    return moves;
  }

  /**
   * Adds a move to those that wait.
   *
   * @param {Extract<InputMessage, { type: `PointerMove${string}` }>} move
   */
  #merge(move) {
    const last = this.#moves.at(-1);
    if (move.type === "PointerMove") {
      this.#moves = [move];
    } else if (last?.type === "PointerMoveRelative" && fits(last, move)) {
      last.dx += move.dx;
      last.dy += move.dy;
    } else {
      this.#moves.push({ ...move });
    }
  }
}

/**
 * Returns whether the sum of both moves fits into one message.
 *
 * @param {PointerMoveRelative} a
 * @param {PointerMoveRelative} b
 */
function fits(a, b) {
  return Math.abs(a.dx + b.dx) <= INT16_MAX && Math.abs(a.dy + b.dy) <= INT16_MAX;
}
