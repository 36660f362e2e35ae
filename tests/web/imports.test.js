/** Holds the table in web/README.md, which folder imports which, against the modules. */

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { describe, test } from "node:test";

const WEB = new URL("../../services/gateway/fanlight_gateway/web/", import.meta.url);
const read = (path) => readFileSync(new URL(path, WEB), "utf8");

/** The folders that each folder may import, in the order of the table. */
const documented = new Map(
  [...read("README.md").matchAll(/^\| `([a-z]+)\/` \| \w+ \| ([a-z, ]*)\|/gm)].map(
    ([, folder, imports]) => [folder, imports.split(",").map((name) => name.trim()).filter(Boolean)],
  ),
);

/** Returns where modules name another folder: an import, the import of a type, a worker's URL. */
function importsOf(folder) {
  return readdirSync(new URL(`${folder}/`, WEB))
    .filter((name) => name.endsWith(".js"))
    .flatMap((name) => {
      const found = read(`${folder}/${name}`).matchAll(/"\.\.\/([a-z]+)\/[a-z0-9-]+\.js"/g);
      return [...found].map(([, imported]) => ({ module: `${folder}/${name}`, imported }));
    });
}

describe("the folders of the viewer", () => {
  test("all stand in the table", () => {
    const entries = readdirSync(WEB, { withFileTypes: true });
    const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
    assert.deepEqual([...documented.keys()].sort(), folders.sort());
  });

  for (const [folder, allowed] of documented) {
    test(`${folder}/ imports what the table says`, () => {
      const imports = importsOf(folder);
      const foreign = imports.filter(({ imported }) => !allowed.includes(imported));
      assert.deepEqual(foreign, []);
      const unused = allowed.filter((name) => !imports.some(({ imported }) => imported === name));
      assert.deepEqual(unused, [], "the table names folders that are not imported");
    });
  }

  test("import in one direction: each one only what stands below it", () => {
    const order = [...documented.keys()];
    for (const [folder, allowed] of documented) {
      for (const name of allowed) {
        assert.ok(order.indexOf(name) > order.indexOf(folder), `${folder}/ imports ${name}/`);
      }
    }
  });
});
