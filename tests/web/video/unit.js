/** Makes access units for tests. */

export const SPS = [0, 0, 0, 1, 0x67, 0x42, 0xc0, 0x2a, 0xff];

export function unit(sequence, { idr = false, epoch = 1, sps = SPS } = {}) {
  const payload = Uint8Array.from(idr ? [...sps, 0, 0, 1, 0x65, 1] : [0, 0, 0, 1, 0x41, 1]);
  const captured_us = epoch * 1e9 + sequence * 16_667;
  return { type: "VideoUnit", idr, width: 64, height: 48, epoch, sequence, captured_us, payload };
}
