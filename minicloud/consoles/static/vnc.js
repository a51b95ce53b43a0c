// SPDX-License-Identifier: Apache-2.0
// The screen of a server, by noVNC's RFB class.

import { Page, openSocket } from "./page.js";

let viewer = null;

async function connect(page) {
    const { default: RFB } = await import("../novnc/core/rfb.js");
    const target = document.getElementById("console");
    target.replaceChildren();
    const socket = openSocket();
    const closed = new Promise((resolve) => socket.addEventListener("close", resolve));
    viewer = new RFB(target, socket);
    viewer.scaleViewport = true;
    viewer.background = "#10141a";
    viewer.addEventListener("connect", () => {
        page.connected();
        viewer.focus();
    });
    viewer.addEventListener("securityfailure", () => viewer.disconnect());
    return closed;
}

const page = new Page({
    what: "screen",
    install: {
        reason: "noVNC is not on the machine of this proxy. Its operator can install the package novnc, or",
        command: "npm install -g @novnc/novnc",
    },
    connect,
    disconnect: () => viewer && viewer.disconnect(),
});

document.getElementById("ctrl-alt-del").addEventListener("click", () => {
    viewer.sendCtrlAltDel();
    viewer.focus();
});

page.run();
