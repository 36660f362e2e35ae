/** Tests what the page says in place of a desk. */

import assert from "node:assert/strict";
import { describe as group, test } from "node:test";

import { describeStatus, INITIAL_STATUS } from "../../../services/gateway/fanlight_gateway/web/element/status-text.js";
import { refusal, whatIsShown } from "../../../services/gateway/fanlight_gateway/web/page/refusal.js";
import { CloseCode } from "../../../services/gateway/fanlight_gateway/web/protocol/constants.js";
import { tableOf } from "../tables.js";

group("in place of a desk", () => {
  const desk = (name) => ({ name, state: "live", width: 1, height: 1 });
  const say = (closeCode, more = {}) => refusal({ closeCode, desk: "main", desks: null, hasSignedIn: false, ...more });

  test("only where there is nothing to see", () => {
    for (const code of [null, 1006, CloseCode.REPLACED, CloseCode.TOO_FAST, CloseCode.BAD_MESSAGE]) {
      assert.equal(say(code), null);
    }
  });

  test("a link that is no more good, and one whose cookie goes elsewhere", () => {
    assert.equal(say(CloseCode.UNAUTHORIZED).title, describeStatus({ ...INITIAL_STATUS, connection: "closed", closeCode: 4401 }).text);
    assert.equal(say(CloseCode.UNAUTHORIZED).wantsLink, true);
    const lost = say(CloseCode.UNAUTHORIZED, { hasSignedIn: true });
    assert.match(lost.text, /another path/);
    assert.equal(lost.wantsLink, false);
  });

  test("a link for another desk, and an address that the gateway does not take", () => {
    assert.match(say(CloseCode.FORBIDDEN).text, /not for the desk “main”\.$/);
    assert.match(say(CloseCode.FORBIDDEN, { desks: [desk("second")] }).text, /It is for:$/);
    assert.match(say(CloseCode.FORBIDDEN, { desks: [] }).text, /No other is running/);
    assert.match(say(CloseCode.FORBIDDEN, { desks: [desk("main")] }).text, /ALLOWED_ORIGINS/);
  });

  test("a desk that is not there", () => {
    assert.match(say(CloseCode.NO_SUCH_DESK).text, /“main” is not running.*looks again by itself\.$/);
    assert.match(say(CloseCode.NO_SUCH_DESK, { desks: [desk("second")] }).text, /These are running:$/);
    assert.match(say(CloseCode.NO_SUCH_DESK, { desks: [] }).text, /No other is running/);
  });
});

test("the table at the top of refusal.js, with a reason for each desk that is not shown", () => {
  const codes = Object.values(CloseCode);
  const named = [CloseCode.UNAUTHORIZED, CloseCode.FORBIDDEN, CloseCode.NO_SUCH_DESK];
  /** The close codes of each row. */
  const ROWS = {
    "1 `UNAUTHORIZED`, `FORBIDDEN`": [CloseCode.UNAUTHORIZED, CloseCode.FORBIDDEN],
    "2 `NO_SUCH_DESK`": [CloseCode.NO_SUCH_DESK],
    "3 any other": [null, 1006, ...codes.filter((code) => !named.includes(code))],
    "4 any": [null, 1006, ...codes],
  };
  const rows = tableOf("page/refusal.js");
  assert.deepEqual(rows.map(([, code]) => code), Object.keys(ROWS));
  for (const [state, code, shown] of rows) {
    for (const connection of state === "closed" ? [state] : ["connecting", "open", "waiting"]) {
      for (const closeCode of ROWS[code]) {
        assert.equal(whatIsShown({ connection, closeCode }), shown, `${connection}, ${closeCode}`);
        if (connection !== "closed") continue;
        const reason = refusal({ closeCode, desk: "main", desks: null, hasSignedIn: false });
        assert.equal(reason === null, shown === "view", `a reason for ${closeCode}`);
      }
    }
  }
});
