//! A real PostgreSQL for one test: a cluster of its own in a temporary directory.
//!
//! It listens on a socket in that directory only, can be killed and started again, and dies with
//! the test. Its programs come from Debian's package, whose directory is not on the search path;
//! it refuses to run as root, so root runs it as the package's user.

#![allow(
    clippy::disallowed_methods,
    reason = "a test fixture starts a program, waits for it and reads the list of users"
)]

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// Below it is one directory per version.
const PROGRAMS: &str = "/usr/lib/postgresql";
const START_TIMEOUT: Duration = Duration::from_secs(30);
const START_POLL: Duration = Duration::from_millis(20);
/// Who runs it where the tests run as root.
const USERS: [&str; 2] = ["postgres", "nobody"];

/// Whether commits wait for the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disk {
    /// They do, as in production; for benches.
    Synced,
    /// They survive a kill of the server, not of the machine; for tests.
    Unsynced,
}

/// A server that dies with this value.
#[derive(Debug)]
pub struct Postgres {
    directory: tempfile::TempDir,
    programs: PathBuf,
    user: Option<(u32, u32)>,
    disk: Disk,
    child: Option<Child>,
    databases: AtomicU32,
}

impl Postgres {
    /// Makes a cluster and starts it. Fails where PostgreSQL is not installed.
    pub fn start(disk: Disk) -> Result<Self> {
        let directory = tempfile::Builder::new().prefix("shelf-pg").tempdir()?;
        let user = unprivileged(directory.path())?;
        if let Some((uid, gid)) = user {
            std::os::unix::fs::chown(directory.path(), Some(uid), Some(gid))?;
        }
        let mut server = Self {
            directory,
            programs: programs()?,
            user,
            disk,
            child: None,
            databases: AtomicU32::new(0),
        };
        let data = server.data();
        server.run(
            server
                .command("initdb")
                .args(["--no-sync", "-A", "trust", "-U", "shelf", "-E", "UTF8"])
                .args(["--locale=C", "-D"])
                .arg(data),
        )?;
        server.resume()?;
        Ok(server)
    }

    /// Makes an empty database; returns its address.
    pub fn database(&self) -> Result<String> {
        let number = self.databases.fetch_add(1, Ordering::Relaxed);
        let name = format!("shelf{number}");
        let mut command = self.command("createdb");
        command.arg("-h").arg(self.directory.path());
        self.run(command.args(["-U", "shelf", &name]))?;
        let socket = self.directory.path().display().to_string();
        let socket = socket.replace('/', "%2F");
        Ok(format!("postgres://shelf@{socket}/{name}"))
    }

    /// Kills it without notice.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().ok();
            child.wait().ok();
        }
    }

    /// Starts it again with the same databases.
    pub fn resume(&mut self) -> Result<()> {
        self.kill();
        let synced = if self.disk == Disk::Synced {
            "on"
        } else {
            "off"
        };
        let mut command = self.command("postgres");
        command.arg("-D").arg(self.data());
        command.arg("-k").arg(self.directory.path());
        command.args(["-c", "listen_addresses=", "-c", &format!("fsync={synced}")]);
        command.args(["-c", "max_wal_size=4GB", "-c", "logging_collector=off"]);
        let mut child = command.spawn().context("postgres doesn't start")?;
        let deadline = Instant::now() + START_TIMEOUT;
        loop {
            let mut ready = self.command("pg_isready");
            ready.arg("-q").arg("-h").arg(self.directory.path());
            if ready.status()?.success() {
                break;
            }
            // After a kill its children may hold the memory of the cluster for a moment.
            if child.try_wait()?.is_some() {
                child = command.spawn().context("postgres doesn't start")?;
            }
            if Instant::now() > deadline {
                child.kill().ok();
                child.wait().ok();
                bail!(
                    "postgres doesn't answer in {}",
                    self.directory.path().display()
                );
            }
            std::thread::sleep(START_POLL);
        }
        self.child = Some(child);
        Ok(())
    }

    fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.programs.join(program));
        command
            .current_dir(self.directory.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        if let Some((uid, gid)) = self.user {
            command.uid(uid).gid(gid);
        }
        command
    }

    fn run(&self, command: &mut Command) -> Result<()> {
        let output = command.stderr(Stdio::piped()).output()?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            bail!("{command:?} failed: {said}");
        }
        Ok(())
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The newest version's programs.
fn programs() -> Result<PathBuf> {
    let versions = std::fs::read_dir(PROGRAMS).ok();
    let newest = versions
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|it| {
            let version: u32 = it.file_name().to_str()?.parse().ok()?;
            let programs = it.path().join("bin");
            let whole = programs.join("initdb").exists();
            whole.then_some((version, programs))
        })
        .max();
    let (_, programs) = newest.context(
        "PostgreSQL is not installed; `cargo xtask test` says what the tests need and how to get \
         it",
    )?;
    Ok(programs)
}

/// User and group for a server that root starts; `None`: nobody else is needed.
fn unprivileged(own: &Path) -> Result<Option<(u32, u32)>> {
    use std::os::unix::fs::MetadataExt;
    // A file that this process made belongs to its user.
    if std::fs::metadata(own)?.uid() != 0 {
        return Ok(None);
    }
    let users = std::fs::read_to_string("/etc/passwd")?;
    for wanted in USERS {
        for line in users.lines() {
            let fields: Vec<&str> = line.split(':').collect();
            if let [name, _, uid, gid, ..] = fields[..]
                && name == wanted
            {
                return Ok(Some((uid.parse()?, gid.parse()?)));
            }
        }
    }
    bail!("there is no user {USERS:?} to run PostgreSQL as")
}
