//! The WebDriver protocol as far as the tests need it: a session of ChromeDriver over HTTP.
//!
//! Own and small, because a browser test needs a dozen commands and no crate more. Elements are
//! named by CSS selectors; every command waits for nothing, waiting is [`crate::patience`]'s.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::http;
use crate::process::Process;
use crate::programs;

/// Under which key the protocol names elements.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// A session of a headless browser with a profile of its own.
#[derive(Debug)]
pub struct Session {
    driver: SocketAddr,
    id: String,
    // Ends before its profile is removed.
    _process: Process,
    _profile: TempDir,
}

impl Session {
    /// Starts driver and browser; `languages` is what it tells sites, such as `de,en`.
    pub fn start(languages: &str) -> Result<Self> {
        programs::installed("chromium")?;
        let profile = tempfile::tempdir()?;
        let mut command = Command::new(programs::installed("chromedriver")?);
        // Everything that the driver puts aside goes where it is removed again.
        command.arg("--port=0").env("TMPDIR", profile.path());
        let mut process = Process::start(&mut command, &profile.path().join("driver.log"))?;
        let port = process.word_after("started successfully on port ")?;
        let port: u16 = port
            .trim_end_matches('.')
            .parse()
            .context("ChromeDriver's port")?;
        let driver = SocketAddr::from(([127, 0, 0, 1], port));
        let wanted = capabilities(profile.path(), languages);
        let made = call(driver, "POST", "/session", &wanted)?;
        let id = made["sessionId"].as_str().context("session id")?.to_owned();
        Ok(Self {
            driver,
            id,
            _process: process,
            _profile: profile,
        })
    }

    /// A command of the session.
    pub fn call(&self, method: &str, path: &str, body: &Value) -> Result<Value> {
        call(
            self.driver,
            method,
            &format!("/session/{}{path}", self.id),
            body,
        )
    }

    /// Opens an address.
    pub fn open(&self, url: &str) -> Result<()> {
        self.call("POST", "/url", &json!({ "url": url })).map(drop)
    }

    /// Runs a function body in the page; what it returns.
    pub fn run(&self, script: &str, arguments: &[Value]) -> Result<Value> {
        self.call(
            "POST",
            "/execute/sync",
            &json!({ "script": script, "args": arguments }),
        )
    }

    /// Runs a function body that calls its last argument with the answer.
    pub fn run_async(&self, script: &str, arguments: &[Value]) -> Result<Value> {
        self.call(
            "POST",
            "/execute/async",
            &json!({ "script": script, "args": arguments }),
        )
    }

    /// A command of the browser's own protocol.
    pub fn devtools(&self, command: &str, parameters: &Value) -> Result<Value> {
        let body = json!({ "cmd": command, "params": parameters });
        self.call("POST", "/goog/cdp/execute", &body)
    }

    /// Clicks the first element of a selector.
    pub fn click(&self, selector: &str) -> Result<()> {
        let element = self.element(selector)?;
        self.call("POST", &format!("/element/{element}/click"), &json!({}))
            .map(drop)
    }

    /// Types into the first element of a selector.
    pub fn type_into(&self, selector: &str, text: &str) -> Result<()> {
        let element = self.element(selector)?;
        self.call(
            "POST",
            &format!("/element/{element}/value"),
            &json!({ "text": text }),
        )
        .map(drop)
    }

    /// Presses and releases a key, wherever the focus is.
    pub fn press(&self, key: Key) -> Result<()> {
        let value = key.code();
        let actions = json!([
            { "type": "keyDown", "value": value },
            { "type": "keyUp", "value": value },
        ]);
        let body = json!({ "actions": [{ "type": "key", "id": "keys", "actions": actions }] });
        self.call("POST", "/actions", &body).map(drop)
    }

    fn element(&self, selector: &str) -> Result<String> {
        let body = json!({ "using": "css selector", "value": selector });
        let found = self.call("POST", "/element", &body)?;
        Ok(found[ELEMENT].as_str().context("element")?.to_owned())
    }

    /// The text of the first element of a selector; none: there is no such element.
    pub fn text(&self, selector: &str) -> Result<Option<String>> {
        let script = "const it = document.querySelector(arguments[0]); return it && it.innerText;";
        Ok(self
            .run(script, &[json!(selector)])?
            .as_str()
            .map(str::to_owned))
    }

    /// The picture of the window as PNG in base64.
    pub fn screenshot(&self) -> Result<String> {
        let picture = self.call("GET", "/screenshot", &Value::Null)?;
        Ok(picture.as_str().context("picture")?.to_owned())
    }

    /// What the browser logged of a kind since it was asked last: `browser`, `performance`.
    pub fn log(&self, kind: &str) -> Result<Vec<Value>> {
        let log = self.call("POST", "/se/log", &json!({ "type": kind }))?;
        Ok(log.as_array().cloned().unwrap_or_default())
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // Closes the browser; the driver is killed after it.
        let _closed = self.call("DELETE", "", &Value::Null);
    }
}

/// Keys that the pages know.
#[derive(Clone, Copy, Debug)]
pub enum Key {
    /// Enter.
    Enter,
    /// Escape.
    Escape,
    /// F4.
    F4,
    /// F7.
    F7,
    /// F8.
    F8,
}

impl Key {
    fn code(self) -> &'static str {
        match self {
            Self::Enter => "\u{e007}",
            Self::Escape => "\u{e00c}",
            Self::F4 => "\u{e034}",
            Self::F7 => "\u{e037}",
            Self::F8 => "\u{e038}",
        }
    }
}

fn capabilities(profile: &Path, languages: &str) -> Value {
    let profile = format!("--user-data-dir={}", profile.join("profile").display());
    let switches = [
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--disable-dev-shm-usage",
        "--hide-scrollbars",
        "--window-size=1280,900",
        "--force-device-scale-factor=1",
        &format!("--accept-lang={languages}"),
        &profile,
    ];
    json!({ "capabilities": { "alwaysMatch": {
        "browserName": "chrome",
        "goog:loggingPrefs": { "browser": "ALL", "performance": "ALL" },
        "goog:chromeOptions": {
            "args": switches,
            "prefs": { "intl.accept_languages": languages },
        },
        "timeouts": { "script": 20_000, "pageLoad": 20_000 },
    } } })
}

fn call(driver: SocketAddr, method: &str, path: &str, body: &Value) -> Result<Value> {
    let text = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    let kind = [("content-type", "application/json; charset=utf-8")];
    let answer = http::ask(driver, method, path, &kind, text.as_bytes())?;
    let mut value = answer.json()?;
    if answer.status != 200 {
        bail!(
            "{method} {path}: {} {}",
            value["value"]["error"],
            value["value"]["message"]
        );
    }
    Ok(value["value"].take())
}
