import { fallbackReason } from "../../../services/gateway/fanlight_gateway/web/session/fallback-report.js";
import { initialFallback, stepFallback } from "../../../services/gateway/fanlight_gateway/web/session/fallback.js";
import { DEFAULTS } from "../../../services/gateway/fanlight_gateway/web/protocol/settings.js";

/** A machine with a clock of its own, which keeps the effects until they are taken. */
export class Rig {
  now_ms = 0;
  effects = [];
  reasons = [];

  constructor(mode, visible) {
    this.machine = initialFallback(mode, visible);
  }

  send(event) {
    const [machine, effects] = stepFallback(this.machine, event, this.now_ms, DEFAULTS);
    const reason = fallbackReason(this.machine, event, machine);
    if (reason !== null) this.reasons.push(reason);
    this.machine = machine;
    this.effects.push(...effects);
    return this;
  }

  /** Sends the same event every 250 ms, for the duration. */
  repeat(duration_ms, event) {
    for (const end_ms = this.now_ms + duration_ms; this.now_ms < end_ms; this.now_ms += 250) {
      this.send(event);
    }
    return this;
  }

  rtt(duration_ms, rtt_ms, base_rtt_ms = 20) {
    return this.repeat(duration_ms, { type: "rtt", rtt_ms, base_rtt_ms });
  }

  age(duration_ms, age_ms) {
    return this.repeat(duration_ms, { type: "age", age_ms });
  }

  take() {
    return this.effects.splice(0);
  }

  get state() {
    return this.machine.state;
  }
}

export const locked = () => new Rig().rtt(4000, 400);
