// @ts-check
/**
 * Finds and makes the page's own elements: those that index.html names, and those that are shown in
 * place of a desk. Lives in the page.
 */

/** Returns an element of index.html. @template {HTMLElement} E @param {string} id @returns {E} */
export function element(id) {
  return /** @type {E} */ (document.getElementById(id));
}

/**
 * Shows a title and its content, in place of what stood there.
 *
 * @param {string} title
 * @param {...(string | Node)} content
 */
export function showPage(title, ...content) {
  const page = element("page");
  const heading = document.createElement("h1");
  heading.textContent = title;
  page.replaceChildren(heading, ...content);
  page.hidden = false;
}

/** Moves the focus to the title, so that a screen reader reads it. */
export function focusHeading() {
  const heading = /** @type {HTMLElement} */ (element("page").querySelector("h1"));
  heading.tabIndex = -1;
  heading.focus();
}

/** Returns a new paragraph. @param {...(string | Node)} content */
export function paragraph(...content) {
  const p = document.createElement("p");
  p.append(...content);
  return p;
}

/** Returns a paragraph that says how to get a link. @param {string} before  stands before that */
export function linkHint(before) {
  const command = document.createElement("code");
  command.textContent = "fanlight token";
  return paragraph(
    before,
    "Open a link that ",
    command,
    " prints, or ask whoever runs this gateway for one.",
  );
}
