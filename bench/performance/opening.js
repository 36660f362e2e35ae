// Notes when something was first drawn, and when the first picture of a video was. It runs before
// the page's own code. window.__drawn has { picture, video }: milliseconds from the start of the
// navigation to the animation frame that shows it. What has fewer than 100 x 100 pixels (a
// pointer) is ignored.
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
