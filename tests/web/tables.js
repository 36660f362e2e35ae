/** Reads the state table at the top of a module, so that a test can hold it against the code. */

import { readFileSync } from "node:fs";

const WEB = new URL("../../services/gateway/fanlight_gateway/web/", import.meta.url);

/**
 * Returns the rows of the only table in the module's header, as lists of cells. A line goes on with
 * the row before it if it begins with blanks, or if its second cell is blank or indented.
 *
 * @param {string} path  of the module, for example "video/gate.js"
 * @returns {string[][]}
 */
export function tableOf(path) {
  const source = readFileSync(new URL(path, WEB), "utf8");
  // Tags come behind the prose, and their types have bars too.
  const header = source.slice(0, source.search(/\*\/|^ \* @/m));
  const lines = [...header.matchAll(/^ \* {3}(.*\|.*)$/gm)].map(([, line]) => line);
  /** @type {string[][]} */
  const rows = [];
  for (const line of lines.slice(1)) {
    const cells = line.split("|").map((cell) => cell.trim());
    const last = rows.at(-1);
    const goesOn = line.startsWith(" ") || /^[^|]*\|( {2}| *\||$)/.test(line);
    if (!goesOn || last === undefined) rows.push(cells);
    else cells.forEach((cell, column) => (last[column] = `${last[column]} ${cell}`.trim()));
  }
  return rows;
}
