//! A simulated device as people use it: `shelf-sim` in a process of its own, told what to do line by line
//! on its standard input.

use std::io::Write as _;
use std::path::Path;
use std::process::{ChildStdin, Command};

use anyhow::{Context, Result};

use crate::process::Process;
use crate::programs;

/// A device that is unplugged when this is dropped.
#[derive(Debug)]
pub struct Simulated {
    process: Process,
    orders: ChildStdin,
}

impl Simulated {
    /// `shelf-sim WORDS…`, waited for until it is plugged in; what it prints goes to `log`.
    pub fn start(words: &[&str], log: &Path) -> Result<Self> {
        let mut command = Command::new(programs::shelf_sim()?);
        command.args(words);
        let (mut process, orders) = Process::start_told(&mut command, log)?;
        process.word_after("plugged in; ")?;
        Ok(Self { process, orders })
    }

    /// A reader on the network: `shelf-sim WORDS…`, waited for until it listens, and where.
    pub fn listening(words: &[&str], log: &Path) -> Result<(Self, String)> {
        let mut command = Command::new(programs::shelf_sim()?);
        command.args(words);
        let (mut process, orders) = Process::start_told(&mut command, log)?;
        let address = process.word_after("listening on ")?;
        Ok((Self { process, orders }, address))
    }

    /// The address that it said to listen on.
    pub fn address(&mut self) -> Result<String> {
        self.process.word_after("listening on ")
    }

    /// Tells it one line, such as `put 1.250` or `fault unplug`.
    pub fn order(&mut self, line: &str) -> Result<()> {
        writeln!(self.orders, "{line}").with_context(|| format!("order `{line}`"))
    }
}
