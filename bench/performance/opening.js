// When was something drawn, and when the first picture of a video? Runs before the page's own code.
// window.__drawn: { picture, video }, ms after the navigation began, at the animation frame with which
// it is shown. What is smaller than a tenth of the desk (a pointer) does not count.
(() => {
  const drawn = { picture: null, video: null };
  window.__drawn = drawn;
  const MIN_AREA = 100 * 100;

  function note(kind) {
    if (drawn[kind] !== null) return;
    drawn[kind] = -1;
    requestAnimationFrame(() => { drawn[kind] = performance.now(); });
  }

  function saw(source) {
    const width = source.displayWidth ?? source.width ?? 0;
    const height = source.displayHeight ?? source.height ?? 0;
    if (width * height < MIN_AREA) return;
    note("picture");
    // Screenshots and patches are bitmaps; a decoded picture is a VideoFrame, or its pixels.
    if (source instanceof VideoFrame || source instanceof ImageData) note("video");
  }

  for (const name of ["drawImage", "putImageData"]) {
    const original = CanvasRenderingContext2D.prototype[name];
    CanvasRenderingContext2D.prototype[name] = function (source, ...rest) {
      if (this.canvas.isConnected || this.canvas.getRootNode() instanceof ShadowRoot) saw(source);
      return original.call(this, source, ...rest);
    };
  }
})();
