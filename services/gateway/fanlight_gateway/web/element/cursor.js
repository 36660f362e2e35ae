// @ts-check
/**
 * Shows the desk's cursor. Lives in the page. The viewer draws the cursor itself, so that it never
 * waits for a picture.
 *
 * While the local pointer is over the picture, it has the desk's cursor as a CSS cursor. Otherwise,
 * and for a person who only watches, an image shows where the desk's pointer is.
 *
 * @import { Rect } from "../input/geometry.js"
 * @import { PointerShape } from "../protocol/binary.js"
 */

/** Browsers ignore larger CSS cursors (pixels). */
const MAX_CURSOR_PX = 128;

export class DeskCursor {
  /** @type {HTMLElement} */
  #surface;
  /** @type {HTMLImageElement} */
  #image;
  /** @type {PointerShape | null} */
  #shape = null;
  /** @type {{ x: number, y: number } | null} */
  #position = null;
  /** Whether the local pointer is over the picture, and moves the desk's pointer. */
  #isLocal = false;
  /** @type {() => Rect} */
  #picture;

  /**
   * @param {HTMLElement} surface  gets the CSS cursor
   * @param {HTMLImageElement} image  shows the cursor, within the surface
   * @param {() => Rect} picture  returns where the picture is within the surface
   */
  constructor(surface, image, picture) {
    this.#surface = surface;
    this.#image = image;
    this.#picture = picture;
  }

  /** @param {PointerShape} shape */
  setShape(shape) {
    this.#shape = shape;
    if (shape.png.length) this.#image.src = `data:image/png;base64,${base64(shape.png)}`;
    this.update();
  }

  /** @param {number} x @param {number} y  in 1/65536 of the desk */
  setPosition(x, y) {
    this.#position = { x: x / 65536, y: y / 65536 };
    this.update();
  }

  /**
   * Sets whether the local pointer is over the picture, and moves the desk's pointer.
   *
   * @param {boolean} isLocal
   */
  setLocal(isLocal) {
    this.#isLocal = isLocal;
    this.update();
  }

  /** Shows the cursor again, because the picture's place or anything else has changed. */
  update() {
    const shape = this.#shape;
    const visible = shape !== null && shape.png.length > 0;
    const fits = visible && shape.width <= MAX_CURSOR_PX && shape.height <= MAX_CURSOR_PX;
    const asCursor = this.#isLocal && (fits || !visible);
    this.#surface.style.cursor =
      !this.#isLocal || shape === null
        ? "default"
        : fits
          ? `url(${this.#image.src}) ${shape.hotspot_x} ${shape.hotspot_y}, default`
          : "none";
    const overlay = visible && !asCursor && this.#position !== null;
    this.#image.hidden = !overlay;
    if (!overlay || !shape || !this.#position) return;
    const picture = this.#picture();
    const x = picture.x + this.#position.x * picture.width - shape.hotspot_x;
    const y = picture.y + this.#position.y * picture.height - shape.hotspot_y;
    this.#image.style.transform = `translate(${x}px, ${y}px)`;
  }
}

/** @param {Uint8Array} bytes */
function base64(bytes) {
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}
