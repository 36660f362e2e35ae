// @ts-check
/**
 * Makes the list of desks, as cards with a small picture. Lives in the page.
 *
 * @import { Desk } from "./api.js"
 */

import { icon } from "../element/icons.js";
import { thumbnailUrl } from "./api.js";

/** @type {Record<string, string>} */
const DESK_STATES = { live: "", away: "Away", gone: "Gone" };

/** Returns the list as a new element. @param {Desk[]} desks */
export function deskList(desks) {
  const list = document.createElement("ul");
  list.className = "desks";
  list.append(...desks.map(deskCard));
  return list;
}

/** @param {Desk} desk */
function deskCard(desk) {
  const item = document.createElement("li");
  const link = document.createElement("a");
  link.href = `?desk=${encodeURIComponent(desk.name)}`;
  const thumb = document.createElement("div");
  thumb.className = "thumb";
  const image = document.createElement("img");
  image.alt = "";
  image.loading = "lazy";
  image.onerror = () => thumb.replaceChildren(icon("desk"));
  image.src = thumbnailUrl(desk.name);
  thumb.append(image);
  const caption = document.createElement("div");
  caption.className = "caption";
  const name = document.createElement("b");
  name.textContent = desk.name;
  const size = document.createElement("span");
  size.textContent = DESK_STATES[desk.state] || `${desk.width} × ${desk.height}`;
  caption.append(name, size);
  link.append(thumb, caption);
  item.append(link);
  return item;
}
