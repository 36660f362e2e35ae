// @ts-check
/**
 * The style sheet of <fanlight-view>. Lives in the page. It is a constructed sheet, because a
 * strict Content-Security-Policy allows that, and because many views use the same one.
 */

export const style = new CSSStyleSheet();
style.replaceSync(`
:host {
  --amber: #ffb224;
  display: block;
  position: relative;
  overflow: hidden;
  background: #0b0d10;
  color: #eef1f4;
  font: 500 0.9375rem/1.4 system-ui, sans-serif;
  /* The whole width without the margin. Each browser knows one of these values by its own name. */
  width: 100%;
  width: -moz-available;
  width: -webkit-fill-available;
  width: stretch;
}
/* Its height where the page gives it none. The host itself has no aspect-ratio, because that would
   override the insets, grid cells and flex lines that a page gives it. */
:host::before {
  content: "";
  display: block;
  aspect-ratio: 16 / 9;
}
:host([hidden]) { display: none; }
.surface {
  position: absolute;
  inset: 0;
  touch-action: none;
  user-select: none;
  -webkit-user-select: none;
  outline: none;
}
.surface::after {
  content: "";
  position: absolute;
  inset: 0;
  pointer-events: none;
  box-shadow: inset 0 0 0 2px transparent;
  transition: box-shadow 0.12s;
}
.surface:has(textarea:focus-visible)::after { box-shadow: inset 0 0 0 2px #5b9dff; }
canvas {
  display: block;
  width: 100%;
  height: 100%;
  object-fit: contain;
  transition: filter 0.2s;
}
.surface.old canvas { filter: saturate(0.35) brightness(0.6); }
/* Mostly another encoder is there within half a second, so the picture does not flicker. */
.surface.old.between canvas { transition-delay: 1s; }
.surface.barred canvas { visibility: hidden; }
textarea {
  position: absolute;
  left: 0;
  top: 0;
  width: 1px;
  height: 1px;
  padding: 0;
  border: 0;
  opacity: 0;
  resize: none;
  /* A phone zooms in when the text is smaller. */
  font-size: 16px;
  pointer-events: none;
}
img { position: absolute; left: 0; top: 0; pointer-events: none; max-width: none; }
img[hidden] { display: none; }
.notices {
  position: absolute;
  inset: auto 0 max(1rem, env(safe-area-inset-bottom)) 0;
  display: flex;
  flex-direction: column;
  align-items: center;
  gap: 0.5rem;
  padding: 0 1rem;
  pointer-events: none;
}
.notices.middle { inset: 0; justify-content: center; }
.pill {
  display: flex;
  align-items: center;
  gap: 0.6rem;
  max-width: 100%;
  box-sizing: border-box;
  padding: 0.55rem 1rem;
  border: 1px solid rgb(255 255 255 / 14%);
  border-radius: 999px;
  background: rgb(22 26 32 / 92%);
  color: inherit;
  font: inherit;
  text-align: start;
  box-shadow: 0 6px 24px rgb(0 0 0 / 35%);
}
.pill[hidden] { display: none; }
button.pill { pointer-events: auto; cursor: pointer; }
button.pill:hover { background: rgb(38 44 53 / 96%); }
button.pill:focus-visible { outline: 3px solid #5b9dff; outline-offset: 2px; }
.pill svg { flex: none; width: 1.25rem; height: 1.25rem; }
.pill.warning { border-color: color-mix(in srgb, var(--amber) 55%, transparent); }
.pill.warning svg { color: var(--amber); }
.pill.error svg { color: #ff7a7a; }
.pill.busy svg { color: #9fb3c8; animation: turn 1s linear infinite; }
.live { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
@keyframes turn { to { transform: rotate(1turn); } }
@media (prefers-reduced-motion: reduce) {
  .pill.busy svg { animation: none; }
  canvas, .surface::after { transition-duration: 0s; }
}
`);
