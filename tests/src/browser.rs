//! A person before a page: a headless browser on a daemon's pages, with everything that must hold
//! for each of them: no errors, no foreign host, no barrier that axe-core finds.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::patience::{Look, until};
use crate::programs;
use crate::webdriver::Session;

/// How long a page may take to show what the daemon knows, on a busy machine.
pub const SHOWN_WITHIN: Duration = Duration::from_secs(10);
/// The checker of accessibility, pinned.
const AXE: &str = "axe-core@4.10.3";

/// A browser on the pages of one daemon.
#[derive(Debug)]
pub struct Browser {
    session: Session,
    at: SocketAddr,
    requests: Vec<String>,
    errors: Vec<String>,
}

impl Browser {
    /// Starts one that prefers some languages, such as `de,en`.
    pub fn start(at: SocketAddr, languages: &str) -> Result<Self> {
        let session = Session::start(languages)?;
        Ok(Self {
            session,
            at,
            requests: Vec::new(),
            errors: Vec::new(),
        })
    }

    /// Opens a page of the daemon.
    pub fn open(&self, path: &str) -> Result<()> {
        self.session.open(&format!("http://{}{path}", self.at))
    }

    /// The session, for commands.
    #[must_use]
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// Waits until the text of a selector is as wanted.
    pub fn until_text(
        &self,
        selector: &str,
        what: &str,
        mut wanted: impl FnMut(&str) -> bool,
    ) -> Result<String> {
        until(&format!("{selector}: {what}"), SHOWN_WITHIN, || {
            let text = self.session.text(selector)?;
            Ok(match text {
                Some(text) if wanted(&text) => Look::Done(text),
                other => Look::NotYet(format!("{other:?}")),
            })
        })
    }

    /// Waits until nothing fits a selector any more.
    pub fn until_gone(&self, selector: &str) -> Result<()> {
        until(&format!("{selector} is gone"), SHOWN_WITHIN, || {
            Ok(match self.session.text(selector)? {
                None => Look::Done(()),
                Some(text) => Look::NotYet(text),
            })
        })
    }

    /// Writes a value into the page that a reload would wipe out.
    pub fn mark(&self) -> Result<()> {
        self.session.run("window.testMark = 1;", &[]).map(drop)
    }

    /// Whether the page is still the one that was marked.
    pub fn is_marked(&self) -> Result<bool> {
        Ok(self.session.run("return window.testMark === 1;", &[])? == true)
    }

    /// Width of the window in CSS pixels, and light or dark.
    pub fn view(&self, width: u32, dark: bool) -> Result<()> {
        let height = if width < 600 { 844 } else { 900 };
        let metrics = json!({
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600,
        });
        self.session
            .devtools("Emulation.setDeviceMetricsOverride", &metrics)?;
        let scheme = if dark { "dark" } else { "light" };
        let media = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.session
            .devtools("Emulation.setEmulatedMedia", &media)
            .map(drop)
    }

    /// A picture of the whole page in `target/screenshots`.
    #[allow(clippy::disallowed_methods, reason = "leaves a picture for people")]
    pub fn picture(&self, name: &str) -> Result<PathBuf> {
        let whole = json!({ "format": "png", "captureBeyondViewport": true });
        let taken = self.session.devtools("Page.captureScreenshot", &whole)?;
        let png = unbase64(taken["data"].as_str().context("picture")?);
        let folder = programs::target()?.join("screenshots");
        std::fs::create_dir_all(&folder)?;
        let path = folder.join(format!("{name}.png"));
        std::fs::write(&path, png)?;
        Ok(path)
    }

    /// Looks at the page as a person would: keeps a picture, and says what sticks out of the window and what
    /// axe-core finds, each with `about`.
    pub fn looked_at(&self, about: &str) -> Result<Vec<String>> {
        self.picture(about)?;
        let over = self.overflow()?;
        let wide = (over > 0).then(|| format!("{over} pixels wider than the window"));
        let found = wide.into_iter().chain(self.barriers()?);
        Ok(found.map(|it| format!("{about}: {it}")).collect())
    }

    /// How far the page is wider than its window, in CSS pixels.
    pub fn overflow(&self) -> Result<i64> {
        let script = "return document.documentElement.scrollWidth - window.innerWidth;";
        Ok(self
            .session
            .run(script, &[])?
            .as_i64()
            .unwrap_or_default()
            .max(0))
    }

    /// What axe-core finds, each with its rule and places.
    pub fn barriers(&self) -> Result<Vec<String>> {
        self.session.run(&axe()?, &[])?;
        let script = "const done = arguments[arguments.length - 1];\
                      axe.run(document, { resultTypes: ['violations'] })\
                      .then((it) => done(it.violations), (it) => done(String(it)));";
        let found = self.session.run_async(script, &[])?;
        let Value::Array(found) = found else {
            bail!("axe-core: {found}")
        };
        let places = |it: &Value| -> Vec<String> {
            let nodes = it["nodes"].as_array().into_iter().flatten();
            nodes
                .map(|it| format!("{} {}", it["target"], it["failureSummary"]))
                .collect()
        };
        Ok(found
            .iter()
            .map(|it| format!("{}: {:?}", it["id"], places(it)))
            .collect())
    }

    /// Fails if a page logged an error or asked any other host, since the start.
    pub fn must_be_clean(&mut self) -> Result<()> {
        for entry in self.session.log("browser")? {
            if entry["level"] == "SEVERE" {
                self.errors.push(entry["message"].to_string());
            }
        }
        for entry in self.session.log("performance")? {
            let message: Value = serde_json::from_str(entry["message"].as_str().unwrap_or("{}"))?;
            let message = &message["message"];
            if message["method"] == "Network.requestWillBeSent" {
                let url = &message["params"]["request"]["url"];
                self.requests
                    .push(url.as_str().unwrap_or_default().to_owned());
            }
        }
        let home = format!("http://{}/", self.at);
        // Pages of the browser itself, such as the one that it opens with, stay inside it.
        let inside = ["data:", "about:", "chrome:"];
        let own = |it: &String| {
            it.starts_with(&home) || inside.iter().any(|inside| it.starts_with(inside))
        };
        let foreign: Vec<&String> = self.requests.iter().filter(|it| !own(it)).collect();
        if !self.requests.iter().any(|it| it.starts_with(&home)) {
            bail!("the browser's log of requests is empty: nothing would be noticed");
        }
        if !foreign.is_empty() || !self.errors.is_empty() {
            bail!("errors {:?}, foreign requests {foreign:?}", self.errors);
        }
        Ok(())
    }
}

/// The checker's script, fetched once into the target directory.
#[allow(
    clippy::disallowed_methods,
    reason = "reads the script that npm fetched"
)]
fn axe() -> Result<String> {
    static SCRIPT: OnceLock<Result<String, String>> = OnceLock::new();
    let fetched = SCRIPT.get_or_init(|| fetch().map_err(|it| format!("{it:#}")));
    return fetched.clone().map_err(anyhow::Error::msg);

    fn fetch() -> Result<String> {
        let folder = programs::target()?.join("axe-core");
        let script = folder.join("node_modules/axe-core/axe.min.js");
        if !script.is_file() {
            std::fs::create_dir_all(&folder)?;
            let output = Command::new(programs::installed("npm")?)
                .args([
                    "install",
                    "--no-save",
                    "--no-audit",
                    "--no-fund",
                    "--ignore-scripts",
                ])
                .arg("--prefix")
                .arg(&folder)
                .arg(AXE)
                .output()?;
            if !output.status.success() {
                bail!(
                    "npm: {}; {}",
                    String::from_utf8_lossy(&output.stderr),
                    programs::INSTALL
                );
            }
        }
        std::fs::read_to_string(&script).with_context(|| script.display().to_string())
    }
}

fn unbase64(text: &str) -> Vec<u8> {
    let value = |byte: u8| match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    };
    let sixes: Vec<u32> = text.bytes().filter_map(value).map(u32::from).collect();
    let mut bytes = Vec::with_capacity(sixes.len());
    for four in sixes.chunks(4) {
        let bits = four.iter().fold(0, |bits, six| bits << 6 | six) << (6 * (4 - four.len()));
        bytes.extend(
            bits.to_be_bytes()
                .into_iter()
                .skip(1)
                .take(four.len() * 6 / 8),
        );
    }
    bytes
}
