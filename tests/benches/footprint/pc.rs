//! A PC under measurement: the program with the settings that packages ship (64 MiB of log written
//! at the start), told apart from the tests' daemon, whose settings favour quick starts.
//!
//! The moment of readiness is what the program tells systemd: a datagram, so nobody polls.

use std::net::SocketAddr;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use shelf_sim::scanner_pty::{Framing, PtyScanner};
use shelf_tests::process::Process;
use shelf_tests::{http, wares};
use tempfile::TempDir;

use super::lab::Lab;

/// The till of every PC here.
pub(crate) const TILL: &str = "till-1";
/// What the scanner is sent after a scan that was taken, and after one that was not.
const BEEPS: (u8, u8) = (b'A', b'R');
/// Items of one request.
const ITEMS_PER_REQUEST: usize = 10_000;
/// How long the program may take for anything here.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long a scan sent into a starting program waits for its beep before it is sent again.
const SCAN_AGAIN: Duration = Duration::from_micros(500);

/// Settings that differ between measurements.
#[derive(Clone, Copy, Default)]
pub(crate) struct Setup {
    /// A scanner at the till.
    pub(crate) scanner: bool,
    /// The broker's port.
    pub(crate) broker: Option<u16>,
}

/// A PC.
pub(crate) struct Pc {
    dir: TempDir,
    shelfd: PathBuf,
    notify: UnixDatagram,
    process: Option<Process>,
    pub(crate) http: SocketAddr,
}

impl Pc {
    /// Configures one in a folder of the build's disk, which memory can't stand in for.
    pub(crate) fn prepare(lab: &Lab, setup: Setup) -> Result<Self> {
        let dir = tempfile::tempdir_in(shelf_tests::programs::target()?)?;
        let mut toml = String::from(
            "tenant = \"acme\"\nstore = \"berlin\"\npc_name = \"bench\"\n\
             [http]\nlisten = \"127.0.0.1:0\"\n[log]\ntarget = \"console\"\n\
             [policy]\nduplicate_scan_ms = 0\n",
        );
        if let Some(port) = setup.broker {
            toml += &format!("[hub]\nbroker = \"mqtt://127.0.0.1:{port}\"\n");
        }
        toml += &format!("[[till]]\nname = \"{TILL}\"\nfiscal = \"declared\"\n");
        if setup.scanner {
            let (accepted, refused) = (char::from(BEEPS.0), char::from(BEEPS.1));
            toml += &format!(
                "[[device]]\nname = \"scanner\"\nselect = \"path:{}\"\nrole = \"till:{TILL}\"\n\
                 beep_accepted = \"{accepted}\"\nbeep_refused = \"{refused}\"\n",
                dir.path().join("scanner").display()
            );
        }
        std::fs::write(dir.path().join("shelfd.toml"), toml)?;
        let notify = UnixDatagram::bind(dir.path().join("notify"))?;
        notify.set_read_timeout(Some(PATIENCE))?;
        Ok(Self {
            dir,
            shelfd: lab.shelfd.clone(),
            notify,
            process: None,
            http: SocketAddr::from(([127, 0, 0, 1], 0)),
        })
    }

    /// Configured and started.
    pub(crate) fn running(lab: &Lab, setup: Setup) -> Result<Self> {
        let mut pc = Self::prepare(lab, setup)?;
        pc.start()?;
        Ok(pc)
    }

    /// Plugs its scanner in.
    pub(crate) fn plug(&self) -> Result<PtyScanner> {
        PtyScanner::plug(self.dir.path().join("scanner"), Framing::default()).context("plug in")
    }

    /// From before the spawn until it says that it is ready.
    pub(crate) fn start(&mut self) -> Result<Duration> {
        let start = self.spawn()?;
        self.ready()?;
        Ok(start.elapsed())
    }

    /// From before the spawn until the first scan is on the disk and beeped for.
    pub(crate) fn start_scanning(&mut self, scanner: &mut PtyScanner) -> Result<Duration> {
        let start = self.spawn()?;
        loop {
            scanner.scan(&wares::gtin13(1))?;
            if !scanner.host_wrote(1, SCAN_AGAIN)?.is_empty() {
                break;
            }
            if start.elapsed() > PATIENCE {
                bail!("no beep");
            }
        }
        let scanning = start.elapsed();
        self.ready()?;
        Ok(scanning)
    }

    fn spawn(&mut self) -> Result<Instant> {
        self.kill9();
        let mut command = Command::new(&self.shelfd);
        command
            .arg("run")
            .arg("--config")
            .arg(self.dir.path().join("shelfd.toml"))
            .arg("--data")
            .arg(self.data())
            .env("NOTIFY_SOCKET", self.dir.path().join("notify"))
            .env("WATCHDOG_USEC", "60000000")
            .env_remove("JOURNAL_STREAM");
        let start = Instant::now();
        self.process = Some(Process::start(&mut command, &self.dir.path().join("log"))?);
        Ok(start)
    }

    fn ready(&mut self) -> Result<()> {
        let mut bytes = [0; 4096];
        loop {
            let length = self.notify.recv(&mut bytes).with_context(|| {
                let log = self.process.as_ref().map(Process::output);
                format!("it did not become ready: {log:?}")
            })?;
            let text = String::from_utf8_lossy(&bytes[..length]).into_owned();
            if let Some((_, address)) = text.split_once("STATUS=http://") {
                let address = address.split_whitespace().next().unwrap_or_default();
                self.http = address.parse().with_context(|| text.clone())?;
                return Ok(());
            }
        }
    }

    /// SIGKILL.
    pub(crate) fn kill9(&mut self) {
        self.process = None;
    }

    /// SIGTERM.
    pub(crate) fn stop(&mut self) -> Result<()> {
        if let Some(mut process) = self.process.take() {
            process.terminate()?;
        }
        Ok(())
    }

    pub(crate) fn id(&self) -> Result<u32> {
        Ok(self.process.as_ref().context("it does not run")?.id())
    }

    pub(crate) fn dir(&self) -> &std::path::Path {
        self.dir.path()
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// Loads wares 1 to `count` without their stock.
    pub(crate) fn load_items(&self, count: u32) -> Result<()> {
        let csv = wares::catalogue(count);
        let mut lines = csv.lines();
        let header = lines.next().unwrap_or_default();
        let rows: Vec<&str> = lines.collect();
        for piece in rows.chunks(ITEMS_PER_REQUEST) {
            let body = format!("{header}\n{}\n", piece.join("\n"));
            let answer = http::post_csv(self.http, "/api/v1/items", &body)?;
            let done = answer.json()?;
            if answer.status != 200 || done["faults_total"] != 0 {
                bail!("import: {} {}", answer.status, answer.text());
            }
        }
        Ok(())
    }

    /// Gives wares 1 to `count` a stock.
    pub(crate) fn stock_up(&self, count: u32, pieces: u32) -> Result<()> {
        let csv = wares::opening(count, pieces);
        let answer = http::post_csv(self.http, "/api/v1/opening", &csv)?;
        if answer.status != 200 {
            bail!("opening: {} {}", answer.status, answer.text());
        }
        Ok(())
    }

    /// Presses a button of the till.
    pub(crate) fn act(&self, deed: &str, fields: &[(&str, &str)]) -> Result<Value> {
        let mut body = json!({ "do": deed });
        for (name, value) in fields {
            body[*name] = json!(value);
        }
        let answer = http::post_json(self.http, &format!("/api/v1/tills/{TILL}"), &body)?;
        if answer.status != 200 {
            bail!("{deed}: {} {}", answer.status, answer.text());
        }
        Ok(answer.json()?)
    }
}

/// Waits for the beep after a scan; an error if the scan was refused.
pub(crate) fn beep(scanner: &mut PtyScanner) -> Result<()> {
    match scanner.host_wrote(1, PATIENCE)?.as_slice() {
        [it] if *it == BEEPS.0 => Ok(()),
        other => bail!("the scan was answered with {other:?}"),
    }
}
