// Reads the barcode clock back from whatever the page shows: canvas, video or image, also inside
// shadow roots. It is evaluated in the page. window.__age holds the samples, one for each reading:
// [now_ms, stamp_ms or -1 if it saw no valid clock].
//
// It reads on every animation frame if that is cheap: 0.1 ms for an image, for a canvas of the
// page's own thread, and for a video, of which only the barcode's luma is copied, because drawing a
// video converts all of it, which takes 3 ms. If it is not cheap, it reads on as many frames,
// picked by chance, as its budget of the page's thread allows. Only a canvas that a worker draws is
// not cheap: Chromium copies all of it (4 to 5 ms at 1080p without a GPU) whatever part is asked
// for, by drawImage, createImageBitmap and VideoFrame alike. On two cores, a reading at every frame
// would itself make the picture older. Frames are picked by chance, because every third frame, say,
// could keep in step with what is measured.
(() => {
  const CELLS = 32;
  const CELL_PX = 12;
  const PERIOD_MS = 1 << 24;
  const probe = new OffscreenCanvas(CELLS * CELL_PX, CELL_PX).getContext('2d', {
    willReadFrequently: true,
  });
  probe.imageSmoothingEnabled = false;
  const samples = [];
  let deskWidth = 1920;
  let budget = 0.1;
  let notBefore = 0;
  let cost = 0;
  let frames = 0;

  /** @param {ParentNode} root @returns {Element[]} */
  function pictures(root) {
    const found = [...root.querySelectorAll('canvas, video, img')];
    for (const element of root.querySelectorAll('*')) {
      if (element.shadowRoot) found.push(...pictures(element.shadowRoot));
    }
    return found;
  }

  function naturalSize(element) {
    const width = element.videoWidth || element.naturalWidth || element.width || 0;
    const height = element.videoHeight || element.naturalHeight || element.height || 0;
    return [width, height];
  }

  let target = null;
  let sinceValid = 0;
  const isShown = (element) => element.isConnected && element.getClientRects().length > 0;

  /** Find the largest element that has a clock in it, because a cursor may have its own canvas. */
  function find() {
    const area = (element) => naturalSize(element).reduce((a, b) => a * b, 1);
    const found = pictures(document).filter(isShown).sort((a, b) => area(b) - area(a));
    target = found.find((element) => read(element) >= 0) ?? null;
  }

  function read(element) {
    const [width] = naturalSize(element);
    if (!width) return -1;
    const scale = width / deskWidth;
    try {
      probe.drawImage(
        element, 0, 0, CELLS * CELL_PX * scale, CELL_PX * scale, 0, 0, CELLS * CELL_PX, CELL_PX,
      );
    } catch {
      return -1;
    }
    const { data } = probe.getImageData(0, CELL_PX / 2, CELLS * CELL_PX, 1);
    return decode((i) => data[4 * (i * CELL_PX + CELL_PX / 2) + 1]);
  }

  /** @param {(cell: number) => number} brightness @returns {number} the clock, or -1 */
  function decode(brightness) {
    let value = 0;
    let check = 0;
    for (let i = 0; i < CELLS; i += 1) {
      const bit = brightness(i) > 127 ? 1 : 0;
      if (i < 24) value = value * 2 + bit;
      else check = check * 2 + bit;
    }
    const due = ((value >> 16) + 3 * ((value >> 8) & 255) + 5 * (value & 255) + 0xa5) & 255;
    return check === due ? value : -1;
  }

  const even = (value) => 2 * Math.floor(value / 2);

  /** @param {HTMLVideoElement} video @returns {Promise<number>} */
  async function readVideo(video) {
    const scale = video.videoWidth / deskWidth;
    let frame = null;
    try {
      frame = new VideoFrame(video);
      if (!['I420', 'NV12'].includes(frame.format)) return read(video);
      const { x, y } = frame.visibleRect;
      const width = even(CELLS * CELL_PX * scale + 1);
      const options = { rect: { x, y: y + even((CELL_PX * scale) / 2), width, height: 2 } };
      const luma = new Uint8Array(frame.allocationSize(options));
      const [{ offset }] = await frame.copyTo(luma, options);
      return decode((i) => luma[offset + Math.floor((i + 0.5) * CELL_PX * scale)]);
    } catch {
      return -1; // no picture yet
    } finally {
      frame?.close();
    }
  }

  async function sample(frame_ms) {
    requestAnimationFrame(sample);
    frames += 1;
    if (frame_ms < notBefore) return;
    const now = Date.now();
    const began = performance.now();
    const isVideo = target instanceof HTMLVideoElement;
    const reading = isVideo ? readVideo(target) : target ? read(target) : -1;
    // The mean counts, because a single slow reading may come from other work on the machine.
    cost += (performance.now() - began - cost) / 8;
    if (cost > 1) notBefore = frame_ms + (cost / budget) * 2 * Math.random();
    const stamp = await reading;
    sinceValid = stamp < 0 ? sinceValid + 1 : 0;
    samples.push([now, stamp < 0 ? -1 : now - ((((now % PERIOD_MS) - stamp) + PERIOD_MS) % PERIOD_MS)]);
  }

  window.__age = {
    samples,
    /** @param {{ deskWidth: number, budget: number }} settings */
    set(settings) { ({ deskWidth, budget } = settings); },
    reset() { samples.length = 0; frames = 0; },
    get figures() { return { frames, cost_ms: cost }; },
  };
  setInterval(() => { if (!target || !isShown(target) || sinceValid > 20) find(); }, 500);
  requestAnimationFrame(sample);
})();
