// @ts-check
/**
 * Turns the operations of a patch into steps that the canvas draws: it decodes the images. Lives in
 * the worker.
 *
 * @import { Operation } from "../protocol/patch.js"
 * @import { DrawStep, Picture } from "./drawing.js"
 *
 * @typedef {(data: Uint8Array, type: string) => Promise<Picture>} DecodeImage
 */

import { MEDIA_TYPES } from "../protocol/patch.js";
import { closePictures } from "./drawing.js";

/**
 * Returns the steps, in order.
 *
 * @param {readonly Operation[]} operations
 * @param {DecodeImage} decodeImage
 * @returns {Promise<DrawStep[]>} rejects if an image is none; the other images are closed then
 */
export async function drawSteps(operations, decodeImage) {
  const results = await Promise.allSettled(
    operations.map((operation) => drawStep(operation, decodeImage)),
  );
  const steps = results.flatMap((result) => (result.status === "fulfilled" ? result.value : []));
  const failure = results.find((result) => result.status === "rejected");
  if (!failure) return steps;
  closePictures([{ size: { width: 0, height: 0 }, steps }]);
  throw failure.reason;
}

/** @param {Operation} operation @param {DecodeImage} decodeImage @returns {Promise<DrawStep>} */
async function drawStep(operation, decodeImage) {
  const { x, y, width, height } = operation;
  const rectangle = { x, y, width, height };
  if (operation.type === "Copy") {
    const { from_x, from_y } = operation;
    return { type: "copy", ...rectangle, from_x, from_y };
  }
  const type = /** @type {string} */ (MEDIA_TYPES[operation.format]);
  return { type: "image", ...rectangle, image: await decodeImage(operation.data, type) };
}

/** Returns how many pixels all images have. @param {readonly Operation[]} operations */
export function imageArea(operations) {
  const images = operations.filter(({ type }) => type === "Image");
  return images.reduce((sum, { width, height }) => sum + width * height, 0);
}
