"""A bundle does what its modules do. A real JavaScript engine runs both."""

import subprocess
from pathlib import Path

import pytest

from fanlight_gateway.core.bundle import bundle

MODULES = {
    "main.js": """// @ts-check
/**
 * @import { Thing } from "./nothing.js"
 */

import { add, Counter as C } from "./numbers/sums.js";
import {
  NAME,
  later,
} from "./words/names.js";
import { same } from "./words/names.js";

const local = /** @type {any} */ (NAME);
/** @type {number} */ (globalThis).x = 1;
export const said = [add(1, 2), new C().count(), local, same(NAME), "// not a comment"];
export async function all() {
  return [...said, await later()]; // a comment with code before it
}
""",
    "numbers/sums.js": """/** Adds. */
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
    "words/names.js": """import { add } from "../numbers/sums.js";
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
    """Run the file in node, and return what it prints."""
    ran = subprocess.run(["node", file], capture_output=True, text=True, check=True, timeout=30)
    return ran.stdout.strip()


def test_a_bundle_does_what_its_modules_do(tmp_path: Path) -> None:
    (tmp_path / "package.json").write_text('{"type": "module"}')
    for name, text in MODULES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text + (PRINT if name == "main.js" else ""))
    made = bundle("main.js", MODULES)
    (tmp_path / "bundle.js").write_text(made + PRINT)
    assert said(tmp_path / "main.js") == EXPECTED
    assert said(tmp_path / "bundle.js") == EXPECTED
    assert "import {" not in made
    assert "Adds." not in made
    assert "@returns" not in made
    # Each module is in it once, in the order in which the modules are needed.
    assert [line for line in made.splitlines() if line.startswith("// ")][1:] == [
        "// numbers/sums.js",
        "// words/names.js",
        "// main.js",
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('import { a } from "./b.js";\n', "imports b.js, which is not there"),
        ('import { a } from "./words/sums.js";\n', r"imports words/sums\.js, which is not there"),
        ('import { a } from "../sums.js";\n', r"imports \.\./sums\.js, which is not there"),
        ('import { a } from "sums.js";\n', "cannot bundle: import"),
        ('import { a } from "/numbers/sums.js";\n', "cannot bundle: import"),
        ('import * as a from "./numbers/sums.js";\n', "cannot bundle: import"),
        ('import "./numbers/sums.js";\n', "cannot bundle: import"),
        ('new URL("./b.js", import.meta.url);\n', r"other\.js names b\.js, which is not there"),
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


def test_the_url_of_another_entry_loses_its_folder() -> None:
    main = 'import { start } from "./element/view.js";\nstart();\n'
    view = """export const start = () => [
  new URL("../session/worker.js", import.meta.url), new URL("../session/worker.js", document.URL),
];
"""
    modules = {"main.js": main, "element/view.js": view, "session/worker.js": ""}
    made = bundle("main.js", modules)
    assert 'new URL("./worker.js", import.meta.url)' in made
    assert 'new URL("../session/worker.js", document.URL)' in made
    assert "// session/worker.js" not in made


def test_an_entry_that_is_not_there() -> None:
    with pytest.raises(ValueError, match=r"nothing imports a\.js"):
        bundle("a.js", {})
