"""Modules in one file do what they do as modules: asked of a real engine."""

import subprocess
from pathlib import Path

import pytest

from fanlight_gateway.core.bundle import bundle

MODULES = {
    "main.js": """// @ts-check
/**
 * @import { Thing } from "./nothing.js"
 */

import { add, Counter as C } from "./sums.js";
import {
  NAME,
  later,
} from "./names.js";
import { same } from "./names.js";

const local = /** @type {any} */ (NAME);
/** @type {number} */ (globalThis).x = 1;
export const said = [add(1, 2), new C().count(), local, same(NAME), "// not a comment"];
export async function all() {
  return [...said, await later()]; // a comment with code before it
}
""",
    "sums.js": """/** Adds. */
export function add(a, b) {
  return a + b;
}
export class Counter {
  /** @returns {number} */
  count() {
    return add(20, 1);
  }
}
""",
    "names.js": """import { add } from "./sums.js";
const local = 5;
export const NAME = `n
  /x/${add(local, 1)}`;
export async function later() {
  return "later";
}
export function same(name) {
  return name === NAME;
}
""",
}
EXPECTED = '[3,21,"n\\n  /x/6",true,"// not a comment","later"]'
PRINT = "\nconsole.log(JSON.stringify(await all()));\n"


def said(file: Path) -> str:
    """What node prints."""
    ran = subprocess.run(["node", file], capture_output=True, text=True, check=True, timeout=30)
    return ran.stdout.strip()


def test_a_bundle_does_what_its_modules_do(tmp_path: Path) -> None:
    (tmp_path / "package.json").write_text('{"type": "module"}')
    for name, text in MODULES.items():
        (tmp_path / name).write_text(text + (PRINT if name == "main.js" else ""))
    made = bundle("main.js", MODULES)
    (tmp_path / "bundle.js").write_text(made + PRINT)
    assert said(tmp_path / "main.js") == EXPECTED
    assert said(tmp_path / "bundle.js") == EXPECTED
    assert "import {" not in made
    assert "Adds." not in made
    assert "@returns" not in made
    # Once each, and in the order in which they are needed.
    assert [line for line in made.splitlines() if line.startswith("// ")][1:] == [
        "// sums.js",
        "// names.js",
        "// main.js",
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('import { a } from "./b.js";\n', "imports b.js, which is not there"),
        ('import * as a from "./sums.js";\n', "cannot bundle: import"),
        ('import "./sums.js";\n', "cannot bundle: import"),
        ("export default 1;\n", "cannot bundle: export default"),
        ("export let a = 1;\n", "cannot bundle: export let"),
        ("export { a };\n", "cannot bundle: export {"),
        ('import { a } from "./main.js";\n', "other.js -> main.js: modules import each other"),
    ],
)
def test_what_it_does_not_understand_is_an_error(text: str, said: str) -> None:
    main = 'import { a } from "./other.js";\n'
    with pytest.raises(ValueError, match=said.replace("{", r"\{")):
        bundle("main.js", {**MODULES, "main.js": main, "other.js": text})


def test_an_entry_that_is_not_there() -> None:
    with pytest.raises(ValueError, match=r"nothing imports a\.js"):
        bundle("a.js", {})
