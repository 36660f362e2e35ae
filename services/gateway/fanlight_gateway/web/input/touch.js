// @ts-check
/**
 * Turns fingers into a pointer. Lives in the page. Pure; positions are in CSS pixels, times are
 * arguments, in ms.
 *
 *   gesture | event                                     | next    | actions
 *   --------+-------------------------------------------+---------+------------------------------
 *   none    | a finger goes down                        | press   |
 *   press   | it goes up                                | none    | a click with the left button
 *   press   | it moves by `SLOP_PX`                     | drag    | the left button goes down
 *   press   | it rests for `LONG_PRESS_MS`              | done    | a click with the right button
 *   press   | a second finger goes down                 | scroll  | a move to where it began
 *   press   | the system takes it away                  | none    |
 *   drag    | it moves                                  | drag    | a move
 *   drag    | it goes up, or the system takes it away   | done    | the left button goes up
 *   scroll  | a finger moves                            | scroll  | the wheel
 *   scroll  | the system takes one of them away         | done    |
 *   any     | the last finger goes up                   | none    | those of its own row
 *
 * In `done`, fingers that are still down do nothing. A test holds this table against the code.
 *
 * @typedef {{ type: "button", button: number, down: boolean, x: number, y: number }
 *   | { type: "move", x: number, y: number }
 *   | { type: "scroll", dx: number, dy: number, x: number, y: number }} TouchAction
 * @typedef {{ x: number, y: number }} Point
 */

/** A finger that rests for this long is a click with the right button (ms). */
export const LONG_PRESS_MS = 500;
/** A finger that moves less than this has not moved (CSS pixels). */
const SLOP_PX = 10;

/** The numbers of the buttons, as in PointerEvent.button. */
const LEFT = 0;
const RIGHT = 2;

export class Touch {
  /** Where each finger is, by its id. @type {Map<number, Point>} */
  #fingers = new Map();
  /** What the fingers do. @type {"none" | "press" | "drag" | "scroll" | "done"} */
  #gesture = "none";
  /** Where the first finger went down. @type {Point} */
  #start = { x: 0, y: 0 };
  #start_ms = 0;

  /** When `tick` has to be called (ms); null if it need not be called. */
  get deadline_ms() {
    return this.#gesture === "press" ? this.#start_ms + LONG_PRESS_MS : null;
  }

  /**
   * Takes a finger that goes down.
   *
   * @param {number} id @param {Point} point @param {number} now_ms
   * @returns {TouchAction[]}
   */
  down(id, point, now_ms) {
    this.#fingers.set(id, point);
    if (this.#fingers.size === 1) {
      this.#gesture = "press";
      this.#start = point;
      this.#start_ms = now_ms;
      return [];
    }
    if (this.#gesture === "press") {
      this.#gesture = "scroll";
      return [{ type: "move", ...this.#start }];
    }
    return [];
  }

  /**
   * Takes a finger that moves.
   *
   * @param {number} id @param {Point} point @param {number} now_ms
   * @returns {TouchAction[]}
   */
  move(id, point, now_ms) {
    const last = this.#fingers.get(id);
    if (!last) return [];
    if (this.#gesture === "scroll") {
      this.#fingers.set(id, point);
      // When one finger moves, the middle of all moves by that, divided by their count.
      const count = this.#fingers.size;
      const dx = (last.x - point.x) / count;
      const dy = (last.y - point.y) / count;
      return [{ type: "scroll", dx, dy, ...this.#start }];
    }
    this.#fingers.set(id, point);
    if (this.#gesture === "drag") return [{ type: "move", ...point }];
    if (this.#gesture !== "press") return [];
    const pressed = this.tick(now_ms);
    if (pressed.length) return pressed;
    if (Math.hypot(point.x - this.#start.x, point.y - this.#start.y) < SLOP_PX) return [];
    this.#gesture = "drag";
    return [
      { type: "button", button: LEFT, down: true, ...this.#start },
      { type: "move", ...point },
    ];
  }

  /**
   * Takes a finger that goes up.
   *
   * @param {number} id
   * @param {number} now_ms
   * @returns {TouchAction[]}
   */
  up(id, now_ms) {
    const point = this.#fingers.get(id);
    if (!point) return [];
    const pressed = this.tick(now_ms);
    this.#fingers.delete(id);
    const gesture = this.#gesture;
    if (this.#fingers.size === 0) this.#gesture = "none";
    else if (gesture !== "scroll") this.#gesture = "done";
    if (gesture === "drag") return [{ type: "button", button: LEFT, down: false, ...point }];
    if (gesture === "press") return click(LEFT, this.#start);
    return pressed;
  }

  /** Ends a finger that the system has taken away. @param {number} id @returns {TouchAction[]} */
  cancel(id) {
    const point = this.#fingers.get(id);
    const dragging = this.#gesture === "drag";
    this.#fingers.delete(id);
    this.#gesture = this.#fingers.size === 0 ? "none" : "done";
    return dragging && point ? [{ type: "button", button: LEFT, down: false, ...point }] : [];
  }

  /**
   * Looks whether a finger has rested for long enough to be the right button.
   *
   * @param {number} now_ms
   * @returns {TouchAction[]}
   */
  tick(now_ms) {
    if (this.deadline_ms === null || now_ms < this.deadline_ms) return [];
    this.#gesture = "done";
    return click(RIGHT, this.#start);
  }
}

/** @param {number} button @param {Point} point @returns {TouchAction[]} */
function click(button, point) {
  return [
    { type: "button", button, down: true, ...point },
    { type: "button", button, down: false, ...point },
  ];
}
