// SPDX-License-Identifier: Apache-2.0
// What both consoles have in common: whose console it is, what goes on, and in words why it does not.

const byId = (id) => document.getElementById(id);

const NEW_LINK = "openstack console url show";

// Words of the proxy (/status and the codes a socket is closed with) -> a headline.
const HEADLINES = {
    unknown: "This link has expired",
    gone: "The server is gone",
    off: "The server is off",
    moved: "The server has moved",
    idle: "Closed after a long silence",
    ended: "The console was closed",
    unreachable: "The console cannot be reached",
    stopping: "The proxy is stopping",
    lost: "The connection was lost",
    absent: "The proxy does not answer",
    left: "Disconnected",
    missing: "Something is not installed",
};

const CODES = {
    4401: "unknown",
    4404: "gone",
    4408: "idle",
    4409: "off",
    4410: "moved",
    4411: "ended",
    4502: "unreachable",
    4503: "stopping",
};

// A token is in ?token=, or in the ?path=?token= that viewers of old expect.
export function token() {
    const asked = new URLSearchParams(location.search);
    const inner = (asked.get("path") || "").split("?")[1] || "";
    return asked.get("token") || new URLSearchParams(inner).get("token") || "";
}

export function openSocket() {
    const url = new URL(`./?token=${encodeURIComponent(token())}`, location.href);
    url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(url, ["binary"]);
    socket.binaryType = "arraybuffer";
    return socket;
}

// What the proxy says of our token: {state, message, server, library}.
async function ask() {
    try {
        const answer = await fetch(`./status?token=${encodeURIComponent(token())}`, { cache: "no-store" });
        return await answer.json();
    } catch {
        return { state: "absent", message: "It may be restarting, or the network is away.", library: true };
    }
}

// A console page. `connect` opens the console and returns a promise of its end: the close event of its socket,
// and calls `page.connected()` in between; `disconnect` ends it.
export class Page {
    constructor({ what, install, connect, disconnect }) {
        Object.assign(this, { what, install, connect, disconnect });
        this.isOpen = false;
        byId("toggle").addEventListener("click", () => this.toggle());
        byId("again").addEventListener("click", () => this.run());
        byId("full-screen").addEventListener("click", () => {
            if (document.fullscreenElement) {
                document.exitFullscreen();
            } else {
                document.documentElement.requestFullscreen();
            }
        });
        document.addEventListener("fullscreenchange", () => {
            byId("full-screen").textContent = document.fullscreenElement ? "Leave full screen" : "Full screen";
        });
        // A console takes every key, Tab as well; this is the way out for those who have no mouse.
        window.addEventListener("keydown", (event) => {
            if (event.ctrlKey && event.altKey && event.code === "KeyM") {
                event.preventDefault();
                event.stopPropagation();
                byId("toggle").focus();
            }
        }, true);
    }

    async run() {
        this.isOpen = true;
        this.wasLeft = false;
        this.show("connecting", "Connecting", "Asking what this link is for.");
        const said = await ask();
        if (said.server) {
            byId("title").textContent = `${said.server}: ${this.what}`;
            document.title = `${said.server}: ${this.what}`;
        }
        if (said.state !== "ready") {
            return this.end(said.state, said.message);
        }
        if (!said.library) {
            return this.end("missing", this.install.reason, this.install.command);
        }
        let closed;
        try {
            closed = await this.connect(this);
        } catch (error) {
            return this.end("missing", `${this.install.reason} (${error.message})`, this.install.command);
        }
        if (this.wasLeft) {
            return this.end("left", "The server goes on.");
        }
        if (CODES[closed.code]) {
            return this.end(CODES[closed.code], closed.reason);
        }
        // A socket that was not even opened, or one that broke, says nothing; the proxy may know.
        const after = await ask();
        return after.state === "ready"
            ? this.end("lost", "Something between this browser and the proxy broke it.")
            : this.end(after.state, after.message);
    }

    connected() {
        this.show("connected", "Connected");
    }

    toggle() {
        if (!this.isOpen) {
            this.run();
            return;
        }
        this.wasLeft = true;
        this.disconnect();
    }

    end(state, reason, command = "") {
        this.isOpen = false;
        const hint = command || (["unknown", "off", "moved"].includes(state) ? NEW_LINK : "");
        this.show("ended", HEADLINES[state] || HEADLINES.lost, reason, hint);
    }

    show(state, headline, reason = "", command = "") {
        document.body.dataset.state = state;
        byId("status").textContent = headline;
        byId("headline").textContent = headline;
        byId("reason").textContent = reason;
        byId("hint").hidden = !command;
        byId("hint").replaceChildren();
        if (command) {
            const code = document.createElement("code");
            code.textContent = command;
            byId("hint").append("The command for it: ", code);
        }
        byId("again").hidden = state !== "ended";
        byId("toggle").textContent = state === "ended" ? "Connect" : "Disconnect";
        const key = byId("ctrl-alt-del");
        if (key) {
            key.disabled = state !== "connected";
        }
    }
}
