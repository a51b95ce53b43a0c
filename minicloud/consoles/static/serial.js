// SPDX-License-Identifier: Apache-2.0
// The serial line of a server, by xterm.js.

import { Page, openSocket } from "./page.js";

// A serial line does not know how large a terminal is: what is at its other end takes it to be this wide.
const COLUMNS = 80;
const LETTERS = { smallest: 9, largest: 18 };

let terminal = null;
let socket = null;

// The library and its style, once.
const library = () => new Promise((resolve, reject) => {
    if (window.Terminal) {
        resolve();
        return;
    }
    const style = document.createElement("link");
    style.rel = "stylesheet";
    style.href = new URL("../xterm/css/xterm.css", import.meta.url).href;
    const script = document.createElement("script");
    script.src = new URL("../xterm/lib/xterm.js", import.meta.url).href;
    script.onload = resolve;
    script.onerror = () => reject(new Error("xterm.js could not be loaded"));
    document.head.append(style, script);
});

function makeTerminal() {
    terminal = new window.Terminal({
        cols: COLUMNS,
        rows: 24,
        scrollback: 10000,
        cursorBlink: true,
        screenReaderMode: true,
        fontFamily: "ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace",
        theme: { background: "#10141a", foreground: "#d8dde6" },
    });
    terminal.open(document.getElementById("console"));
    terminal.onData((text) => {
        if (socket && socket.readyState === WebSocket.OPEN) {
            socket.send(new TextEncoder().encode(text));
        }
    });
    new ResizeObserver(fit).observe(document.getElementById("console"));
    fit();
}

// Letters as large as the width allows, and as many rows as then fit.
function fit() {
    const box = document.getElementById("console").getBoundingClientRect();
    const screen = document.querySelector("#console .xterm-screen");
    if (!screen || !box.width) {
        return;
    }
    const perPixel = screen.getBoundingClientRect().width / COLUMNS / terminal.options.fontSize;
    const size = Math.floor((box.width - 24) / COLUMNS / perPixel);
    terminal.options.fontSize = Math.min(LETTERS.largest, Math.max(LETTERS.smallest, size));
    const height = screen.getBoundingClientRect().height / terminal.rows;
    terminal.resize(COLUMNS, Math.max(10, Math.floor((box.height - 8) / height)));
}

async function connect(page) {
    await library();
    if (terminal === null) {
        makeTerminal();
    }
    terminal.reset();
    socket = openSocket();
    const closed = new Promise((resolve) => socket.addEventListener("close", resolve));
    socket.addEventListener("open", () => {
        page.connected();
        terminal.focus();
    });
    socket.addEventListener("message", (event) => terminal.write(new Uint8Array(event.data)));
    return closed;
}

new Page({
    what: "serial console",
    install: {
        reason: "xterm.js is not on the machine of this proxy. Its operator can install it:",
        command: "npm install -g @xterm/xterm",
    },
    connect,
    disconnect: () => socket && socket.close(),
}).run();
