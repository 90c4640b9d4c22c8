//! A real `shelf-hub run` over a real broker, which can be killed and started again in place.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;
use tempfile::TempDir;

use crate::daemon::{copy_folder, outcome};
use crate::http::{self, Answer};
use crate::process::Process;
use crate::programs;

/// A hub.
#[derive(Debug)]
pub struct Hub {
    dir: TempDir,
    process: Option<Process>,
    http: SocketAddr,
}

impl Hub {
    /// Starts one at a broker's port and waits until it serves.
    pub fn start(broker: u16) -> Result<Self> {
        Self::start_with(broker, "")
    }

    /// The same, with more tables in its configuration.
    #[allow(
        clippy::disallowed_methods,
        reason = "makes the directory of the hub under test"
    )]
    pub fn start_with(broker: u16, more: &str) -> Result<Self> {
        let dir = tempfile::tempdir()?;
        std::fs::create_dir_all(dir.path().join("data"))?;
        let http = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut hub = Self {
            dir,
            process: None,
            http,
        };
        hub.resume_with(broker, more)?;
        Ok(hub)
    }

    /// Ends it and starts it again with another configuration.
    #[allow(
        clippy::disallowed_methods,
        reason = "writes the configuration under test"
    )]
    pub fn resume_with(&mut self, broker: u16, more: &str) -> Result<()> {
        let text = format!(
            "tenant = \"acme\"\ndata_dir = \"{}\"\n[broker]\nurl = \"mqtt://127.0.0.1:{broker}\"\n\
             [enrolment]\ntrust_first_use = true\n{more}",
            self.data().display()
        );
        std::fs::write(self.dir.path().join("hub.toml"), text)?;
        self.resume()
    }

    /// Starts it again at the address that it had before.
    pub fn resume(&mut self) -> Result<()> {
        self.resume_as(&[])
    }

    /// The same, with more arguments.
    pub fn resume_as(&mut self, more: &[&str]) -> Result<()> {
        self.process = None;
        let mut command = Command::new(programs::shelf_hub()?);
        command
            .arg("run")
            .arg("--json")
            .arg("--config")
            .arg(self.dir.path().join("hub.toml"));
        command.arg("--listen").arg(self.http.to_string());
        command.args(more);
        let mut process = Process::start(&mut command, &self.log())?;
        let word = process.word_after("\"http\":\"")?;
        let address = word.split('"').next().unwrap_or_default();
        self.http = address.parse().with_context(|| format!("address {word}"))?;
        self.process = Some(process);
        Ok(())
    }

    /// SIGKILL.
    pub fn kill9(&mut self) {
        self.process = None;
    }

    /// A copy of its data as a backup would hold it; nothing runs while it is made.
    pub fn backup(&mut self) -> Result<TempDir> {
        self.kill9();
        let copy = tempfile::tempdir()?;
        copy_folder(&self.data(), copy.path())?;
        Ok(copy)
    }

    /// Puts a backup in the place of its data; nothing runs while it is done.
    #[allow(
        clippy::disallowed_methods,
        reason = "plays somebody who restores a backup"
    )]
    pub fn put_back(&mut self, backup: &Path) -> Result<()> {
        self.kill9();
        std::fs::remove_dir_all(self.data())?;
        copy_folder(backup, &self.data())
    }

    fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// Its log, over all starts.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.dir.path().join("hub.log")
    }

    /// Everything that it leaves behind.
    #[must_use]
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Its API.
    #[must_use]
    pub fn http(&self) -> SocketAddr {
        self.http
    }

    /// `GET` of JSON.
    pub fn get(&self, path: &str) -> Result<Value> {
        Ok(http::get_json(self.http, path)?)
    }

    /// Imports a catalogue and gives its revision.
    pub fn catalogue(&self, csv: &str) -> Result<u64> {
        let answer = http::post_csv(self.http, "/api/v1/catalogue", csv)?;
        let report = answer.json()?;
        if answer.status != 200 || report["rejected"] != 0 {
            bail!("the catalogue was not taken: {report}");
        }
        report["revision"].as_u64().context("revision")
    }

    /// `POST` of JSON.
    pub fn post(&self, path: &str, body: &Value) -> Result<Answer> {
        Ok(http::post_json(self.http, path, body)?)
    }

    /// Any request with JSON.
    pub fn ask(&self, method: &str, path: &str, body: &Value) -> Result<Answer> {
        let kind = [("content-type", "application/json")];
        let body = body.to_string();
        Ok(http::ask(self.http, method, path, &kind, body.as_bytes())?)
    }

    /// Another command of the program with this hub's configuration, asked to the end: exit code,
    /// standard output, errors.
    pub fn command(&self, words: &[&str]) -> Result<(i32, String, String)> {
        let mut command = Command::new(programs::shelf_hub()?);
        command.args(words).arg("--config");
        let output = command.arg(self.dir.path().join("hub.toml")).output()?;
        Ok(outcome(&output))
    }

    /// A command that asks the running hub about a store, for JSON: exit code and answer.
    pub fn asked(&self, what: &str, store: &str) -> Result<(i32, Value)> {
        let url = format!("http://{}", self.http);
        let mut command = Command::new(programs::shelf_hub()?);
        command.args([what, "--json", "--store", store, "--url", &url]);
        let (code, out, err) = outcome(&command.output()?);
        let said = serde_json::from_str(&out).with_context(|| format!("{what}: {out}{err}"))?;
        Ok((code, said))
    }

    /// Every document that it has of the store, each row with `id` and `document`.
    pub fn documents(&self) -> Result<Vec<Value>> {
        let mut all = Vec::new();
        let mut path = "/api/v1/stores/berlin/documents?limit=1000".to_owned();
        loop {
            let page = self.get(&path)?;
            all.extend(page["documents"].as_array().cloned().unwrap_or_default());
            let Some(next) = page["next"].as_i64() else {
                return Ok(all);
            };
            path = format!("/api/v1/stores/berlin/documents?limit=1000&after={next}");
        }
    }

    /// What the hub's book says of an item, in thousandths.
    pub fn book(&self, item: &str) -> Result<i64> {
        self.book_of("berlin", item)
    }

    /// The same of any store.
    pub fn book_of(&self, store: &str, item: &str) -> Result<i64> {
        let row = self.get(&format!("/api/v1/stores/{store}/stock/{item}"))?;
        row["book_thousandths"]
            .as_i64()
            .with_context(|| row.to_string())
    }
}
