// @ts-check
/**
 * Says what a transport is: one connection to the gateway, whatever carries it. websocket.js and
 * plain-http.js implement it; connection.js owns them; selection.js chooses between them. Lives in
 * the worker.
 *
 * A transport follows these rules, so that connection.js opens, uses and closes all of them alike.
 * Only the choice between them knows which is which: selection.js counts how WebSockets ended, and
 * upgrade.js changes from plain HTTP to a WebSocket.
 *
 * 1. `open` is called once. A transport that has ended is never opened again.
 * 2. The events come in this order: `onopen`, then messages, then `onclosed`. `onclosed` comes at
 *    most once, and also for a transport that never opened.
 * 3. `close` ends the transport. No event comes after it, not even `onclosed`.
 * 4. The owner sends nothing before `onopen`. The transport drops what the owner sends after the
 *    end, without an error.
 * 5. A transport decides nothing: it does not reconnect, and it does not choose another transport.
 *
 * @import { ViewerControl } from "../protocol/control.js"
 * @import { ViewerMessage } from "../protocol/binary.js"
 *
 * @typedef {Readonly<{
 *   name: "websocket" | "http",
 *   carriesVideo: boolean,
 *   opensWithHello: boolean,
 * }>} TransportCapabilities
 *
 * name: what statistics show, and what connection.js distinguishes the transports by.
 * carriesVideo: false if the gateway sends no video units over this transport.
 * opensWithHello: the transport itself sends Hello to the gateway while it opens. Without it, the
 *   owner sends Hello after `onopen`, and the gateway takes the viewer over only then.
 *
 * @typedef {{
 *   onopen: () => void,
 *   onbinary: (data: ArrayBuffer) => void,
 *   ontext: (text: string) => void,
 *   onclosed: (code: number) => void,
 * }} TransportEvents
 *
 * onclosed: `code` is a WebSocket close code; see CloseCode for the gateway's own.
 *
 * @typedef {{
 *   readonly capabilities: TransportCapabilities,
 *   readonly bufferedAmount: number,
 *   readonly firstMessage_ms: number | null,
 *   readonly isClosed: boolean,
 *   open: () => void,
 *   send: (message: ViewerMessage) => void,
 *   sendControl: (message: ViewerControl) => void,
 *   close: () => void,
 * }} Transport
 *
 * bufferedAmount: 0 while a message that is sent now leaves at once. Otherwise pointer moves wait.
 * firstMessage_ms: when the first message of the gateway came; null until then.
 */

/** The close code of a connection that ended without one: a lost network, a refused handshake. */
export const ABNORMAL_CLOSURE = 1006;
