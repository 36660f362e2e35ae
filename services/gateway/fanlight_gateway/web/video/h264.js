// @ts-check
/**
 * Finds the codec string of an H.264 access unit in Annex B. Lives in the worker. Pure.
 */

/** The type of the NAL unit that holds the sequence parameter set (SPS). */
const NAL_SPS = 7;

/**
 * Returns "avc1.PPCCLL" from the SPS of an IDR: the profile, constraints and level that the encoder
 * uses, so that the decoder is configured for this size and not for the largest one.
 *
 * @param {Uint8Array} unit
 * @returns {string | null} null if there is no SPS
 */
export function codecString(unit) {
  // A start code is 00 00 01. The NAL's header follows, and then the three bytes.
  for (let i = 0; i + 6 < unit.length; i++) {
    if (unit[i] !== 0 || unit[i + 1] !== 0 || unit[i + 2] !== 1) continue;
    if ((unit[i + 3] & 0x1f) === NAL_SPS) {
      const number = (unit[i + 4] << 16) | (unit[i + 5] << 8) | unit[i + 6];
      return `avc1.${number.toString(16).padStart(6, "0").toUpperCase()}`;
    }
    i += 2;
  }
  return null;
}
