// @ts-check
/**
 * The messages between the painter (painter.js, in the worker) and the canvas (canvas.js, in the
 * page). Pure; runs in both. A message holds several drawings, which the page draws all at once.
 *
 * @import { Rectangle } from "../protocol/binary.js"
 *
 * @typedef {{ width: number, height: number }} Size
 * @typedef {VideoFrame | ImageBitmap} Picture
 *
 * @typedef {{ type: "picture", picture: Picture, source: Size }
 *   | { type: "pixels", pixels: ArrayBuffer, source: Size, areas: Rectangle[] | null }
 *   | Rectangle & { type: "image", image: Picture }
 *   | Rectangle & { type: "copy", from_x: number, from_y: number }} DrawStep
 *
 * picture: its top left part of the size `source` fills the canvas. pixels: the same, as RGBA; only
 * the `areas` are drawn, on a canvas of the source's size (null: everything is drawn). image: fills
 * the rectangle. copy: moves pixels of the canvas into the rectangle.
 *
 * @typedef {{ size: Size, steps: DrawStep[] }} Drawing  size: of the canvas, which is the desk's
 *
 * @typedef {{ at_ms: number | null, buffers: ArrayBuffer[] }} DrawResult
 *
 * at_ms: when it was drawn, since the Unix epoch; null: drawing failed. buffers: the buffers of the
 * pixels, which can be used again.
 */

/** Closes the pictures of drawings. They may have been drawn or not. @param {Drawing[]} drawings */
export function closePictures(drawings) {
  for (const step of drawings.flatMap(({ steps }) => steps)) {
    if (step.type === "picture") step.picture.close();
    else if (step.type === "image") step.image.close();
  }
}

/** Returns the buffers of the pixels in drawings. @param {Drawing[]} drawings */
export function buffersOf(drawings) {
  const steps = drawings.flatMap((drawing) => drawing.steps);
  return steps.flatMap((step) => (step.type === "pixels" ? [step.pixels] : []));
}

/**
 * Returns what a step transfers to the page instead of copying it.
 *
 * @param {DrawStep} step
 * @returns {Transferable[]}
 */
export function transferables(step) {
  switch (step.type) {
    case "picture":
      return [step.picture];
    case "image":
      return [step.image];
    case "pixels":
      return [step.pixels];
    case "copy":
      return [];
  }
}

/**
 * Returns how much a drawing covers of what is owed (paint-ledger.js), by its first step.
 *
 * @param {DrawStep | undefined} first
 */
export function coverage(first) {
  if (first?.type === "picture") return "everything";
  if (first?.type === "pixels") return first.areas === null ? "everything" : "owed";
  return "patch";
}
