// Reads the barcode clock back from whatever the page shows: canvas, video or image, also inside
// shadow roots, the largest one. Evaluated in the page; window.__age holds the samples, one an
// animation frame: [now_ms, stamp_ms or -1 where no valid clock was seen].
(() => {
  const CELLS = 32;
  const CELL_PX = 12;
  const PERIOD_MS = 1 << 24;
  const probe = new OffscreenCanvas(CELLS * CELL_PX, CELL_PX).getContext('2d', {
    willReadFrequently: true,
  });
  const samples = [];
  let deskWidth = 1920;
  // Reading a 1080p canvas back costs 4.5 ms of the page's thread without a GPU: on two cores a
  // reading at every animation frame makes the picture older than it is.
  let every = 1;
  let turn = 0;

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
  function largest() {
    const area = (element) => naturalSize(element).reduce((a, b) => a * b, 1);
    target = pictures(document).sort((a, b) => area(b) - area(a))[0] ?? null;
  }

  function read() {
    if (!target || !target.isConnected) largest();
    if (!target) return -1;
    const [width] = naturalSize(target);
    if (!width) return -1;
    const scale = width / deskWidth;
    probe.imageSmoothingEnabled = false;
    try {
      probe.drawImage(
        target, 0, 0, CELLS * CELL_PX * scale, CELL_PX * scale, 0, 0, CELLS * CELL_PX, CELL_PX,
      );
    } catch {
      return -1;
    }
    const { data } = probe.getImageData(0, CELL_PX / 2, CELLS * CELL_PX, 1);
    let value = 0;
    let check = 0;
    for (let i = 0; i < CELLS; i += 1) {
      const bit = data[4 * (i * CELL_PX + CELL_PX / 2) + 1] > 127 ? 1 : 0;
      if (i < 24) value = value * 2 + bit;
      else check = check * 2 + bit;
    }
    const due = ((value >> 16) + 3 * ((value >> 8) & 255) + 5 * (value & 255) + 0xa5) & 255;
    return check === due ? value : -1;
  }

  function sample() {
    requestAnimationFrame(sample);
    turn += 1;
    if (turn % every) return;
    const now = Date.now();
    const stamp = read();
    samples.push([now, stamp < 0 ? -1 : now - ((((now % PERIOD_MS) - stamp) + PERIOD_MS) % PERIOD_MS)]);
  }

  window.__age = {
    samples,
    setDeskWidth: (width) => { deskWidth = width; },
    setEvery: (frames) => { every = frames; },
    refind: () => { target = null; },
  };
  setInterval(largest, 1000);
  requestAnimationFrame(sample);
})();
