// @ts-check
/**
 * The content of the shadow DOM of <fanlight-view>: the surface, which is the desk; the notices
 * over it; and what screen readers read out. Lives in the page.
 */

export const TEMPLATE = `
  <div class="surface" part="surface" role="application">
    <canvas part="canvas" width="16" height="9"></canvas>
    <textarea autocomplete="off" autocapitalize="off" autocorrect="off" spellcheck="false"
      inputmode="none" aria-describedby="way-out"></textarea>
    <img alt="" hidden draggable="false">
  </div>
  <div class="notices">
    <button class="pill offer" type="button" hidden></button>
    <button class="pill action" type="button" hidden></button>
    <div class="pill words" hidden></div>
  </div>
  <div class="live" role="status" aria-live="polite"></div>
  <div class="live" id="way-out">Keys go to the desk. Control, Alt, Shift and K together give them
    back to the page.</div>
`;
