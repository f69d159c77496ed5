// A user with a browser: keeps cookies, fills in the forms of the authorization server's pages, follows no redirect by itself.

export class Browser {
    constructor(origin, name, password) {
        Object.assign(this, { origin, name, password, cookies: new Map() });
    }

    async ask(target, options = {}) {
        const url = new URL(target, this.origin);
        const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
        const headers = { ...options.headers, ...(cookie && { cookie }) };
        const response = await fetch(url, { ...options, headers, redirect: "manual" });
        for (const line of response.headers.getSetCookie()) {
            const [pair] = line.split(";");
            const at = pair.indexOf("=");
            this.cookies.set(pair.slice(0, at), pair.slice(at + 1));
        }
        return { status: response.status, location: response.headers.get("location"), text: await response.text() };
    }

    async submit(page, fields) {
        const text = (pattern) => page.text.match(pattern)?.[1].replaceAll("&amp;", "&");
        const body = new URLSearchParams({ form: text(/name="form" value="([^"]*)"/), seal: text(/name="seal" value="([^"]*)"/),
                                           ...fields });
        return this.ask(text(/action="([^"]*)"/), { method: "POST", body, headers: { origin: this.origin } });
    }

    /** Signs in and agrees where that is asked for. Returns the page, or where it leads. */
    async through(target) {
        let page = await this.ask(target);
        if (page.text.includes('type="password"')) page = await this.submit(page, { username: this.name, password: this.password });
        if (page.text.includes('value="allow"')) page = await this.submit(page, { choice: "allow" });
        return page;
    }
}
