//! A real `shelfd run` in a directory of its own: configured, started, asked, killed, started again.
//!
//! Everything goes through what a shop has: the configuration file, the scanner's line, the local
//! API. The directory holds configuration, data and log, so that a test can search all of it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use shelf_sim::scanner_pty::{Framing, PtyScanner};
use tempfile::TempDir;

use crate::http::{self, Answer};
use crate::patience::{Look, USUAL, until};
use crate::process::Process;
use crate::programs;

/// What the configuration says.
#[derive(Clone, Debug, Default)]
pub struct Setup {
    /// The PC's name.
    pub pc: String,
    /// Its store; empty: `berlin`.
    pub store: String,
    /// The broker's port; none: it works alone.
    pub broker: Option<u16>,
    /// The hub's address, for catalogues.
    pub hub: Option<SocketAddr>,
    /// Tills.
    pub tills: Vec<TillSetup>,
    /// Scanners by name, each with its role.
    pub scanners: Vec<(String, String)>,
    /// More lines of TOML before the first table.
    pub top: String,
    /// More tables.
    pub more: String,
    /// Where the data lies instead of in the daemon's directory.
    pub data: Option<PathBuf>,
    /// Room kept back, in MiB.
    pub ballast_mib: u32,
}

/// One till.
#[derive(Clone, Debug, Default)]
pub struct TillSetup {
    /// Its name.
    pub name: String,
    /// `basket`, `api` or `file`; empty: basket.
    pub source: String,
    /// Its payment terminal.
    pub terminal: Option<SocketAddr>,
    /// Its drop folder.
    pub drop: Option<PathBuf>,
}

impl TillSetup {
    /// A till of ours with a terminal.
    #[must_use]
    pub fn basket(name: &str, terminal: Option<SocketAddr>) -> Self {
        Self {
            name: name.into(),
            terminal,
            ..Self::default()
        }
    }
}

impl Setup {
    fn toml(&self, dir: &Path) -> String {
        let store = if self.store.is_empty() {
            "berlin"
        } else {
            &self.store
        };
        let mut text = format!(
            "tenant = \"acme\"\nstore = \"{store}\"\npc_name = \"{}\"\n{}\n\
             [http]\nlisten = \"127.0.0.1:0\"\n\
             [ledger]\nwal_prefill_mib = 1\nballast_mib = {}\n\
             [log]\ntarget = \"console\"\nfilter = \"info,shelfd=debug\"\n\
             [policy]\nduplicate_scan_ms = 0\n",
            self.pc, self.top, self.ballast_mib
        );
        let mut add = |line: String| text += &(line + "\n");
        if let Some(port) = self.broker {
            add(format!("[hub]\nbroker = \"mqtt://127.0.0.1:{port}\""));
            if let Some(hub) = self.hub {
                add(format!("url = \"http://{hub}\""));
            }
        }
        for till in &self.tills {
            let source = if till.source.is_empty() {
                "basket"
            } else {
                &till.source
            };
            add(format!(
                "[[till]]\nname = \"{}\"\nsales_source = \"{source}\"",
                till.name
            ));
            if let Some(terminal) = till.terminal {
                add(format!("terminal = \"zvt://{terminal}\""));
            }
            if let Some(folder) = &till.drop {
                add(format!("drop_dir = \"{}\"", folder.display()));
            }
        }
        for (name, role) in &self.scanners {
            let path = dir.join(name);
            let path = path.display();
            add(format!(
                "[[device]]\nname = \"{name}\"\nselect = \"path:{path}\"\nrole = \"{role}\""
            ));
        }
        text + &self.more
    }
}

/// A PC of a shop.
#[derive(Debug)]
pub struct Daemon {
    dir: TempDir,
    data: PathBuf,
    process: Option<Process>,
    http: SocketAddr,
    environment: BTreeMap<String, String>,
}

impl Daemon {
    /// Configures and starts one, and waits until it is ready. Scanners are plugged in by
    /// [`Daemon::plug`] before or after.
    pub fn start(setup: &Setup) -> Result<Self> {
        let mut daemon = Self::prepare(setup)?;
        daemon.restart()?;
        Ok(daemon)
    }

    /// Configures one without starting it.
    #[allow(
        clippy::disallowed_methods,
        reason = "writes the configuration under test"
    )]
    pub fn prepare(setup: &Setup) -> Result<Self> {
        let dir = tempfile::tempdir()?;
        std::fs::write(dir.path().join("shelfd.toml"), setup.toml(dir.path()))?;
        let data = setup
            .data
            .clone()
            .unwrap_or_else(|| dir.path().join("data"));
        let http = SocketAddr::from(([127, 0, 0, 1], 0));
        Ok(Self {
            dir,
            data,
            process: None,
            http,
            environment: BTreeMap::new(),
        })
    }

    /// `shelfd run` with this PC's configuration.
    pub fn command(&self) -> Result<Command> {
        let mut command = Command::new(programs::shelfd()?);
        command
            .arg("run")
            .arg("--config")
            .arg(self.config())
            .arg("--data")
            .arg(&self.data);
        command
            .env_remove("JOURNAL_STREAM")
            .env("TZ", "Europe/Berlin")
            .envs(&self.environment);
        Ok(command)
    }

    /// Sets or removes a variable of its environment, from the next start on.
    pub fn environment(&mut self, name: &str, value: Option<&str>) {
        match value {
            Some(value) => self.environment.insert(name.to_owned(), value.to_owned()),
            None => self.environment.remove(name),
        };
    }

    /// Plugs a scanner in, where the configuration looks for it.
    pub fn plug(&self, scanner: &str) -> Result<PtyScanner> {
        PtyScanner::plug(self.dir.path().join(scanner), Framing::default()).context("plug in")
    }

    /// Starts it (again) and waits until it is ready.
    pub fn restart(&mut self) -> Result<()> {
        self.process = None;
        let mut command = self.command()?;
        let mut process = Process::start(&mut command, &self.log())?;
        let word = process.word_after(" ready http=")?;
        self.http = word.parse().with_context(|| format!("address {word}"))?;
        self.process = Some(process);
        Ok(())
    }

    /// SIGKILL.
    pub fn kill9(&mut self) {
        self.process = None;
    }

    /// Puts another directory's content in the place of its data. It must not run.
    #[allow(
        clippy::disallowed_methods,
        reason = "plays somebody who restores a disk"
    )]
    pub fn replace_data(&mut self, with: &Path) -> Result<()> {
        if self.process.is_some() {
            bail!("shelfd runs on the data that are to be replaced");
        }
        std::fs::remove_dir_all(&self.data)?;
        copy_folder(with, &self.data)
    }

    /// SIGTERM; must end by itself with exit code 0.
    pub fn stop(&mut self) -> Result<()> {
        let Some(mut process) = self.process.take() else {
            return Ok(());
        };
        let status = process.terminate()?;
        if !status.success() {
            bail!("shelfd ended with {status}: {}", process.output()?);
        }
        Ok(())
    }

    /// The process, while it runs.
    pub fn process(&mut self) -> Result<&mut Process> {
        self.process.as_mut().context("shelfd does not run")
    }

    /// Everything that this PC leaves behind: configuration, log and, unless set apart, data.
    #[must_use]
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Where its ledger lies.
    #[must_use]
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// The database.
    #[must_use]
    pub fn database(&self) -> PathBuf {
        self.data.join("ledger.db")
    }

    /// The configuration.
    #[must_use]
    pub fn config(&self) -> PathBuf {
        self.dir.path().join("shelfd.toml")
    }

    /// Its log, over all starts.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.dir.path().join("shelfd.log")
    }

    /// Where its pages are.
    #[must_use]
    pub fn http(&self) -> SocketAddr {
        self.http
    }

    /// `GET` of JSON.
    pub fn get(&self, path: &str) -> Result<Value> {
        Ok(http::get_json(self.http, path)?)
    }

    /// `POST` of JSON.
    pub fn post(&self, path: &str, body: &Value) -> Result<Answer> {
        Ok(http::post_json(self.http, path, body)?)
    }

    /// `POST` of CSV that must be taken.
    pub fn import(&self, path: &str, csv: &str) -> Result<Value> {
        let answer = http::post_csv(self.http, path, csv)?;
        if answer.status != 200 {
            bail!("{path}: {} {}", answer.status, answer.text());
        }
        Ok(answer.json()?)
    }

    /// Wares 1 to `count` with so many pieces of each.
    pub fn stock_up(&self, count: u32, pieces: u32) -> Result<()> {
        self.import("/api/v1/items", &crate::wares::catalogue(count))?;
        self.import("/api/v1/opening", &crate::wares::opening(count, pieces))?;
        Ok(())
    }

    /// What a till shows.
    pub fn till(&self, till: &str) -> Result<Value> {
        self.get(&format!("/api/v1/tills/{till}"))
    }

    /// Presses a button of a till.
    pub fn act(&self, till: &str, deed: &str, fields: &[(&str, &str)]) -> Result<Value> {
        let mut body = json!({ "do": deed });
        for (name, value) in fields {
            body[*name] = json!(value);
        }
        let answer = self.post(&format!("/api/v1/tills/{till}"), &body)?;
        if answer.status != 200 {
            bail!("{deed}: {} {}", answer.status, answer.text());
        }
        Ok(answer.json()?)
    }

    /// Waits until a till shows what is wanted, and gives what it shows.
    pub fn till_until(
        &self,
        till: &str,
        what: &str,
        mut wanted: impl FnMut(&Value) -> bool,
    ) -> Result<Value> {
        until(&format!("{till}: {what}"), USUAL, || {
            let view = self.till(till)?;
            Ok(match wanted(&view) {
                true => Look::Done(view),
                false => Look::NotYet(view.to_string()),
            })
        })
    }

    /// The status.
    pub fn status(&self) -> Result<Value> {
        self.get("/api/v1/status")
    }

    /// Waits until the status is as wanted.
    pub fn status_until(
        &self,
        what: &str,
        mut wanted: impl FnMut(&Value) -> bool,
    ) -> Result<Value> {
        until(what, USUAL, || {
            let status = self.status()?;
            Ok(match wanted(&status) {
                true => Look::Done(status),
                false => Look::NotYet(status.to_string()),
            })
        })
    }

    /// What the book says of an item, in thousandths.
    pub fn on_hand(&self, item: &str) -> Result<i64> {
        let stock = self.get(&format!("/api/v1/stock/{item}"))?;
        stock["on_hand"].as_i64().with_context(|| stock.to_string())
    }

    /// Every document of the ledger.
    pub fn documents(&self) -> Result<Vec<Value>> {
        let mut all = Vec::new();
        let mut path = "/api/v1/documents?limit=500".to_owned();
        loop {
            let page = self.get(&path)?;
            all.extend(page["documents"].as_array().cloned().unwrap_or_default());
            let Some(next) = page["next"].as_i64() else {
                return Ok(all);
            };
            path = format!("/api/v1/documents?limit=500&after={next}");
        }
    }

    /// Documents of one kind, such as `sale`.
    pub fn documents_of(&self, kind: &str) -> Result<Vec<Value>> {
        let mut all = self.documents()?;
        all.retain(|it| it["kind"]["type"] == kind);
        Ok(all)
    }

    /// Open entries of the inbox.
    pub fn inbox(&self) -> Result<Vec<Value>> {
        let inbox = self.get("/api/v1/inbox")?;
        Ok(inbox["entries"].as_array().cloned().unwrap_or_default())
    }

    /// Another command of the program, asked to the end: exit code, standard output, errors.
    pub fn ask(&self, words: &[&str]) -> Result<(i32, String, String)> {
        let mut command = Command::new(programs::shelfd()?);
        let output = command.args(words).output()?;
        Ok(outcome(&output))
    }
}

/// Copies a folder with everything in it, modes included.
#[allow(
    clippy::disallowed_methods,
    reason = "plays somebody who copies a disk"
)]
pub fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    std::fs::create_dir_all(to)?;
    std::fs::set_permissions(to, std::fs::metadata(from)?.permissions())?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else if entry.file_type()?.is_file() {
            std::fs::copy(entry.path(), &target)?;
        }
    }
    Ok(())
}

/// How a program ended: exit code (-1: by a signal), standard output, errors.
#[must_use]
pub fn outcome(output: &std::process::Output) -> (i32, String, String) {
    let text = |it: &[u8]| String::from_utf8_lossy(it).into_owned();
    (
        output.status.code().unwrap_or(-1),
        text(&output.stdout),
        text(&output.stderr),
    )
}

/// What a row of a basket says, for messages.
#[must_use]
pub fn described(view: &Value) -> String {
    let mut text = String::new();
    for line in view["basket"]["lines"].as_array().into_iter().flatten() {
        // Writing to a text can't fail.
        let _written = write!(text, "{}×{} ", line["name"], line["quantity"]);
    }
    text
}

/// How many rows the basket on the counter has.
#[must_use]
pub fn rows(view: &Value) -> usize {
    view["basket"]["lines"].as_array().map_or(0, Vec::len)
}
