//! A program that runs beside the test, with its output in a file, and dies with its value.

use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

use crate::patience::{Look, USUAL, until};

/// A running program.
#[derive(Debug)]
pub struct Process {
    child: Child,
    log: PathBuf,
    log_start: u64,
}

impl Process {
    /// Starts it; what it prints is added to `log`.
    pub fn start(command: &mut Command, log: &Path) -> Result<Self> {
        Self::spawn(command, log, Stdio::null())
    }

    /// The same, with its standard input in our hands.
    pub fn start_told(command: &mut Command, log: &Path) -> Result<(Self, ChildStdin)> {
        let mut process = Self::spawn(command, log, Stdio::piped())?;
        let input = process.child.stdin.take().context("its standard input")?;
        Ok((process, input))
    }

    fn spawn(command: &mut Command, log: &Path, input: Stdio) -> Result<Self> {
        let file = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(log)
            .with_context(|| format!("open {}", log.display()))?;
        let log_start = file.metadata()?.len();
        let child = command
            .stdin(input)
            .stdout(file.try_clone()?)
            .stderr(file)
            .spawn()
            .with_context(|| format!("start {command:?}"))?;
        Ok(Self {
            child,
            log: log.to_owned(),
            log_start,
        })
    }

    /// What it printed since its start.
    #[allow(
        clippy::disallowed_methods,
        reason = "reads the log that it made itself"
    )]
    pub fn output(&self) -> Result<String> {
        let bytes = std::fs::read(&self.log)?;
        let from = usize::try_from(self.log_start).unwrap_or(usize::MAX);
        Ok(String::from_utf8_lossy(bytes.get(from..).unwrap_or_default()).into_owned())
    }

    /// Waits for a text in its output and gives the word behind it.
    pub fn word_after(&mut self, text: &str) -> Result<String> {
        until(&format!("`{text}` in the output"), USUAL, || {
            let output = self.output()?;
            let found = output.split_once(text).map(|it| it.1);
            let word = found
                .and_then(|it| it.split_once(char::is_whitespace))
                .map(|it| it.0);
            if let Some(word) = word {
                return Ok(Look::Done(Ok(word.to_owned())));
            }
            Ok(match self.child.try_wait()? {
                Some(status) => Look::Done(Err(format!("it ended with {status}: {output}"))),
                None => Look::NotYet(output),
            })
        })?
        .map_err(anyhow::Error::msg)
    }

    /// Its process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// SIGKILL, and the corpse is taken away.
    pub fn kill9(&mut self) {
        // An error means that it is dead already.
        let _was_dead = self.child.kill();
        let _taken = self.child.wait();
    }

    /// SIGTERM, and how it ends.
    pub fn terminate(&mut self) -> Result<ExitStatus> {
        let id = i32::try_from(self.child.id())?;
        if let Some(pid) = Pid::from_raw(id) {
            kill_process(pid, Signal::TERM).context("SIGTERM")?;
        }
        self.ended()
    }

    /// Waits until it ends by itself.
    pub fn ended(&mut self) -> Result<ExitStatus> {
        until("the end of the program", USUAL, || {
            Ok(match self.child.try_wait()? {
                Some(status) => Look::Done(status),
                None => Look::NotYet("it still runs".into()),
            })
        })
    }

    /// Fails if it ended.
    pub fn must_run(&mut self) -> Result<()> {
        match self.child.try_wait()? {
            Some(status) => bail!("it ended with {status}: {}", self.output()?),
            None => Ok(()),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill9();
    }
}
