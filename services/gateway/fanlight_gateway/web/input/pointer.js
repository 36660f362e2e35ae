// @ts-check
/**
 * Turns pointer and wheel events (mouse, pen and fingers) into input messages. Lives in the page.
 * It touches no DOM, so that tests can make the events by hand. It remembers which buttons are
 * down.
 *
 * A mouse or pen gives positions, or relative moves while the browser locks the pointer. Fingers
 * give gestures (touch.js). While `isEnabled` is false, nothing is sent.
 *
 * @import { InputMessage } from "../protocol/binary.js"
 * @import { Rect } from "./geometry.js"
 * @import { TouchAction } from "./touch.js"
 * @import { WheelLike } from "./wheel.js"
 *
 * @typedef {Pick<PointerEvent, "pointerId" | "pointerType" | "button" | "buttons" | "clientX"
 *   | "clientY" | "movementX" | "movementY" | "timeStamp">} PointerEventLike
 *
 * @typedef {{
 *   picture: () => Rect,
 *   desk: () => { width: number, height: number },
 *   isLocked: () => boolean,
 *   now: () => number,
 *   send: (messages: InputMessage[]) => void,
 *   onover: (isOver: boolean) => void,
 * }} PointerHost
 *
 * picture: returns where the picture is, in client coordinates. isLocked: whether the browser locks
 * the pointer. now: the time in the clock of the events' timeStamp. onover: whether this pointer is
 * over the picture, and is the desk's pointer.
 */

import { toFractions, within } from "./geometry.js";
import { Touch } from "./touch.js";
import { WheelSteps } from "./wheel.js";

/** The bit in PointerEvent.buttons of each PointerEvent.button. */
const BUTTON_BITS = [1, 4, 2, 8, 16];

export class Pointer {
  /** @type {PointerHost} */
  #host;
  #wheel = new WheelSteps();
  #touch = new Touch();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #touchTimer;
  /** The buttons that are down. @type {Set<number>} */
  #buttons = new Set();
  /** The fractions of a pixel that relative moves have left over. */
  #rest = { x: 0, y: 0 };
  isEnabled = false;

  /** @param {PointerHost} host */
  constructor(host) {
    this.#host = host;
  }

  /** Forgets the buttons that are down, because the gateway releases them itself. */
  reset() {
    this.#buttons.clear();
  }

  /** Ends the timer of a gesture. */
  stop() {
    clearTimeout(this.#touchTimer);
  }

  /** Says whether the pointer is over the picture. @param {PointerEventLike} event */
  enter(event) {
    const isOver = within(event.clientX, event.clientY, this.#host.picture());
    this.#host.onover(this.isEnabled && event.pointerType !== "touch" && isOver);
  }

  /** Says that the pointer is not over the picture. */
  leave() {
    this.#host.onover(false);
  }

  /** @param {PointerEventLike} event */
  down(event) {
    if (!this.isEnabled) return;
    if (event.pointerType === "touch") {
      this.#act(this.#touch.down(event.pointerId, point(event), event.timeStamp));
    } else {
      this.#button(event, true);
    }
  }

  /** @param {PointerEventLike} event */
  move(event) {
    if (!this.isEnabled) return;
    if (event.pointerType === "touch") {
      this.#act(this.#touch.move(event.pointerId, point(event), event.timeStamp));
      return;
    }
    // If a second button changes while one is down, the browser reports a move.
    if (event.button !== -1) {
      this.#button(event, (event.buttons & (BUTTON_BITS[event.button] ?? 0)) !== 0);
      return;
    }
    if (this.#host.isLocked()) {
      this.#moveRelative(event);
      return;
    }
    this.enter(event);
    const [x, y] = this.#position(event.clientX, event.clientY);
    this.#host.send([{ type: "PointerMove", x, y }]);
  }

  /** @param {PointerEventLike} event */
  up(event) {
    if (!this.isEnabled) return;
    if (event.pointerType === "touch") this.#act(this.#touch.up(event.pointerId, event.timeStamp));
    else this.#button(event, false);
  }

  /**
   * Releases what is down, because the browser takes the pointer.
   *
   * @param {PointerEventLike} event
   */
  cancel(event) {
    if (event.pointerType === "touch") {
      this.#act(this.#touch.cancel(event.pointerId));
      return;
    }
    for (const button of this.#buttons) {
      this.#host.send([{ type: "PointerButton", down: false, button, position: null }]);
    }
    this.#buttons.clear();
  }

  /** @param {WheelLike & { clientX: number, clientY: number }} event */
  wheel(event) {
    if (!this.isEnabled) return;
    const isLocked = this.#host.isLocked();
    this.#scroll(event, isLocked ? null : this.#position(event.clientX, event.clientY));
  }

  /** @param {PointerEventLike} event @param {boolean} down */
  #button(event, down) {
    const { button } = event;
    if (button < 0 || button > 4 || down === this.#buttons.has(button)) return;
    if (down) this.#buttons.add(button);
    else this.#buttons.delete(button);
    const isLocked = this.#host.isLocked();
    const position = isLocked ? null : this.#position(event.clientX, event.clientY);
    this.#host.send([{ type: "PointerButton", down, button, position }]);
  }

  /** @param {PointerEventLike} event */
  #moveRelative(event) {
    const { width } = this.#host.picture();
    const scale = this.#host.desk().width / (width || 1);
    this.#rest.x += event.movementX * scale;
    this.#rest.y += event.movementY * scale;
    const dx = Math.trunc(this.#rest.x);
    const dy = Math.trunc(this.#rest.y);
    if (dx === 0 && dy === 0) return;
    this.#rest.x -= dx;
    this.#rest.y -= dy;
    this.#host.send([{ type: "PointerMoveRelative", dx, dy }]);
  }

  /** @param {WheelLike} event @param {readonly [number, number] | null} position */
  #scroll(event, position) {
    const steps = this.#wheel.turn(event);
    if (steps) this.#host.send([{ type: "Wheel", ...steps, position }]);
  }

  /** Sends what a gesture does, and sets its timer. @param {TouchAction[]} actions */
  #act(actions) {
    clearTimeout(this.#touchTimer);
    if (this.#touch.deadline_ms !== null) {
      const wait_ms = Math.max(0, this.#touch.deadline_ms - this.#host.now());
      const tick = () => this.#act(this.#touch.tick(this.#host.now()));
      this.#touchTimer = setTimeout(tick, wait_ms + 1);
    }
    for (const action of actions) {
      const position = this.#position(action.x, action.y);
      if (action.type === "move") {
        this.#host.send([{ type: "PointerMove", x: position[0], y: position[1] }]);
      } else if (action.type === "button") {
        const { button, down } = action;
        this.#host.send([{ type: "PointerButton", down, button, position }]);
      } else {
        this.#scroll({ deltaX: action.dx, deltaY: action.dy, deltaMode: 0 }, position);
      }
    }
  }

  /** @param {number} x @param {number} y client coordinates */
  #position(x, y) {
    return toFractions(x, y, this.#host.picture(), this.#host.desk());
  }
}

/** @param {PointerEventLike} event */
function point(event) {
  return { x: event.clientX, y: event.clientY };
}
