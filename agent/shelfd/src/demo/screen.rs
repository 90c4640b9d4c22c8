//! The live summary on the terminal, and its keys.
//!
//! Plain escape codes on standard error, redrawn in place where that is a terminal, one line every
//! five seconds where it is not; standard output stays for the result. The terminal is given back
//! as it was found, whatever ends the run.

use std::io::IsTerminal as _;
use std::os::fd::AsFd as _;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use tokio::sync::{mpsc, watch};

use super::record::Record;
use super::world::World;
use crate::daemon::status::Status;
use crate::pages::status::sentence;
use crate::pages::texts::Language;
use crate::platform::MonoClock;

/// Between two drawings on a terminal, and elsewhere.
const DRAW_MS: (u64, u64) = (500, 5_000);
/// How long the keyboard is waited for before the stop flag is looked at.
const KEY_WAIT_MS: i64 = 200;
/// How long a PC may take to say how it is.
const STATUS_MS_MAX: u64 = 400;

/// A key that means something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    /// Cut or restore the WAN.
    Wan,
    /// Stop.
    Quit,
}

/// The keyboard without line editing; as it was when this is dropped.
struct Raw(Termios);

impl Raw {
    fn enter() -> Option<Self> {
        let stdin = std::io::stdin();
        let before = tcgetattr(stdin.as_fd()).ok()?;
        let mut raw = before.clone();
        raw.local_modes
            .remove(LocalModes::ICANON | LocalModes::ECHO);
        tcsetattr(stdin.as_fd(), OptionalActions::Now, &raw).ok()?;
        Some(Self(before))
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        let given_back = tcsetattr(std::io::stdin().as_fd(), OptionalActions::Now, &self.0);
        if let Err(error) = given_back {
            tracing::warn!(%error, "the terminal could not be reset: run `reset`");
        }
    }
}

/// Reads keys on a thread until `closed`; nothing where nobody sits.
pub(super) fn keys(
    closed: watch::Receiver<bool>,
) -> (mpsc::Receiver<Key>, Option<std::thread::JoinHandle<()>>) {
    let (pressed, keys) = mpsc::channel(8);
    let is_watched = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
    let thread = is_watched.then(|| {
        let read = move || {
            let Some(_raw) = Raw::enter() else { return };
            while !*closed.borrow() {
                let key = match read_key() {
                    Some(b'w' | b'W') => Key::Wan,
                    Some(b'q' | b'Q') => Key::Quit,
                    _ => continue,
                };
                // A full channel means that a key is being acted on.
                let _pressed = pressed.try_send(key);
            }
        };
        std::thread::Builder::new()
            .name("demo-keys".into())
            .spawn(read)
            .ok()
    });
    (keys, thread.flatten())
}

fn read_key() -> Option<u8> {
    let stdin = std::io::stdin();
    let limit = Timespec {
        tv_sec: 0,
        tv_nsec: KEY_WAIT_MS * 1_000_000,
    };
    let mut waiting = [PollFd::new(&stdin, PollFlags::IN)];
    if poll(&mut waiting, Some(&limit)).ok()? == 0 {
        return None;
    }
    let mut byte = [0];
    let count = rustix::io::read(&stdin, &mut byte).ok()?;
    (count == 1).then_some(byte[0])
}

/// What the summary is drawn from.
pub(super) struct Screen {
    clock: MonoClock,
    client: reqwest::Client,
    title: String,
    is_terminal: bool,
    drawn_lines: usize,
    since_ms: u64,
    last: (u64, u64),
}

impl Screen {
    /// Of a shop with this title.
    pub(super) fn new(clock: MonoClock, client: reqwest::Client, title: String) -> Self {
        let now = clock.millis();
        let is_terminal = std::io::stderr().is_terminal();
        Self {
            clock,
            client,
            title,
            is_terminal,
            drawn_lines: 0,
            since_ms: now,
            last: (now, 0),
        }
    }

    /// How long to wait before it is drawn again.
    pub(super) fn every(&self) -> Duration {
        Duration::from_millis(if self.is_terminal {
            DRAW_MS.0
        } else {
            DRAW_MS.1
        })
    }

    /// Draws.
    pub(super) async fn draw(&mut self, world: &World, record: &Record) {
        let (now, scans) = (self.clock.millis(), record.counts.scans.get());
        let passed = now.saturating_sub(self.last.0).max(1);
        let rate = scans.saturating_sub(self.last.1) * 1000 / passed;
        self.last = (now, scans);
        let acked: u64 = world.lags.iter().map(|it| it.acked()).sum();
        let wan = if world.wan.is_up() { "up" } else { "CUT" };
        let seconds = now.saturating_sub(self.since_ms) / 1000;
        let sums = format!(
            "{scans} scans ({rate}/s), {} sales, {acked} at the hub, WAN {wan}, {} troubles",
            record.sales(),
            record.counts.troubles.get(),
        );
        if !self.is_terminal {
            let backlog: Vec<String> = world
                .lags
                .iter()
                .map(|it| it.backlog().to_string())
                .collect();
            eprintln!("{seconds:>5} s: {sums}, backlog {}", backlog.join(" + "));
            return;
        }
        let mut lines = vec![
            format!("\x1b[1mshelfd demo\x1b[0m  {}  {seconds} s", self.title),
            sums,
        ];
        for (url, lag) in world.urls().into_iter().zip(&world.lags) {
            let (level, sentence) = self.verdict(&url).await;
            let colour = match level.as_str() {
                "green" => 32,
                "amber" => 33,
                _ => 31,
            };
            let name = &lag.shop().config.pc_name;
            let bar = "#".repeat(usize::try_from(lag.backlog() / 5).unwrap_or(0).min(40));
            lines.push(format!(
                "{name}  {url}  \x1b[{colour}m{level}\x1b[0m {sentence}"
            ));
            lines.push(format!("      backlog {:>5} {bar}", lag.backlog()));
        }
        lines.push(format!("hub   {}/api/v1/stores", world.hub_url()));
        lines.push("w cuts and restores the WAN, q stops".to_owned());
        let up = if self.drawn_lines > 0 {
            format!("\x1b[{}A", self.drawn_lines)
        } else {
            String::new()
        };
        let text: String = lines.iter().map(|it| format!("\x1b[2K{it}\n")).collect();
        eprint!("{up}\r{text}");
        self.drawn_lines = lines.len();
    }

    async fn verdict(&self, url: &str) -> (String, String) {
        let asked = async {
            let answer = self.client.get(format!("{url}/api/v1/status")).send();
            answer.await?.json::<Status>().await
        };
        let limit = Duration::from_millis(STATUS_MS_MAX);
        let Ok(Ok(status)) = tokio::time::timeout(limit, asked).await else {
            return ("?".into(), String::new());
        };
        let level = format!("{:?}", status.verdict.level).to_lowercase();
        (
            level,
            sentence(Language::wanted("en"), &status.verdict, &status),
        )
    }
}
