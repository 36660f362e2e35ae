// @ts-check
/**
 * Makes the icons, as inline SVG, so that they need no request and take the colour of the text
 * around them. Lives in the page. They are hidden from screen readers. They were drawn for this
 * project, on a grid of 24 x 24.
 */

const PATHS = {
  ok: "M5 12.5l4.5 4.5L19 7.5",
  busy: "M12 3a9 9 0 1 1-8.5 6",
  warning: "M12 4L2.8 20h18.4zM12 10v4.5M12 17.4v.1",
  error: "M12 3a9 9 0 1 0 .01 0zM12 7.5v5.5M12 16.4v.1",
  copy: "M9 9h11v11H9zM5 15H4V4h11v1",
  fullscreen: "M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5",
  keyboard: "M3 6h18v12H3zM7 10h.01M11 10h.01M15 10h.01M18 10h.01M7 14h10",
  stats: "M5 20v-6M10 20V9M15 20v-9M20 20V4",
  paste: "M9 4h6v3H9zM9 5H5v16h14V5h-4M9 13h6M9 17h4",
  desk: "M3 4h18v12H3zM8 20h8M12 16v4",
  eye: "M2 12s3.6-6.5 10-6.5S22 12 22 12s-3.6 6.5-10 6.5S2 12 2 12zM12 9.5a2.5 2.5 0 1 0 .01 0z",
};

/** @typedef {keyof typeof PATHS} IconName */

const SVG = "http://www.w3.org/2000/svg";

/** Returns a new element with an icon. @param {IconName} name */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  for (const [attribute, value] of Object.entries({
    viewBox: "0 0 24 24",
    width: "20",
    height: "20",
    fill: "none",
    stroke: "currentColor",
    "stroke-width": "2",
    "stroke-linecap": "round",
    "stroke-linejoin": "round",
    "aria-hidden": "true",
  })) {
    svg.setAttribute(attribute, value);
  }
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", PATHS[name]);
  svg.append(path);
  return svg;
}
