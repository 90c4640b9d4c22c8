//! A real MQTT broker for one test: starts on a free port, can be killed and started again.
//!
//! It keeps nothing on disk, like the worst broker that the protocol has to live with. Every test
//! has its own.

#![allow(
    clippy::disallowed_methods,
    reason = "a test fixture starts a program, waits for its port and writes its configuration"
)]

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// Where distributions put it, besides the search path.
const PROGRAMS: [&str; 3] = [
    "mosquitto",
    "/usr/sbin/mosquitto",
    "/usr/local/sbin/mosquitto",
];
const START_TIMEOUT: Duration = Duration::from_secs(10);
const START_POLL: Duration = Duration::from_millis(10);
/// Another program may take the free port between choosing and using it.
const PORT_ATTEMPTS: usize = 5;

/// A broker that dies with this value.
#[derive(Debug)]
pub struct Broker {
    program: &'static str,
    address: SocketAddr,
    config: tempfile::NamedTempFile,
    child: Option<Child>,
}

impl Broker {
    /// Starts one. Fails where mosquitto is not installed.
    pub fn start() -> Result<Self> {
        let found = PROGRAMS.into_iter().find(|it| runs(it));
        let program = found.context(
            "mosquitto is not installed; `cargo xtask test` says what the tests need and how to \
             get it",
        )?;
        for _ in 0..PORT_ATTEMPTS {
            let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
            let config = tempfile::NamedTempFile::new()?;
            let port = address.port();
            let text = format!(
                "listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\nlog_dest none\n"
            );
            std::fs::write(config.path(), text)?;
            let mut broker = Self {
                program,
                address,
                config,
                child: None,
            };
            if broker.resume().is_ok() {
                return Ok(broker);
            }
        }
        bail!("mosquitto didn't start on any of {PORT_ATTEMPTS} ports")
    }

    /// Its port on 127.0.0.1, the same after a restart.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Kills it without notice.
    pub fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().ok();
            child.wait().ok();
        }
    }

    /// Starts it again on the same port, knowing nothing.
    pub fn resume(&mut self) -> Result<()> {
        self.stop();
        let child = Command::new(self.program)
            .arg("-c")
            .arg(self.config.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("{} doesn't start", self.program))?;
        let child = self.child.insert(child);
        let deadline = Instant::now() + START_TIMEOUT;
        while TcpStream::connect(self.address).is_err() {
            if let Some(status) = child.try_wait()? {
                bail!("mosquitto ended at once: {status}");
            }
            if Instant::now() > deadline {
                bail!("mosquitto doesn't listen on {}", self.address);
            }
            std::thread::sleep(START_POLL);
        }
        Ok(())
    }

    /// Kills it and starts it again.
    pub fn restart(&mut self) -> Result<()> {
        self.stop();
        self.resume()
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.stop();
    }
}

fn runs(program: &str) -> bool {
    let absent = program.starts_with('/') && !Path::new(program).exists();
    let run = || {
        Command::new(program)
            .arg("-h")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
    };
    !absent && run().is_ok()
}
