//! Another process of the machine, and another user: our program again, which opens devices with the device
//! layer under the rights that it is given, says each state on its output, and lets go when its input ends.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::process::{Gid, Uid};
use shelf_devices::config::{DeviceConfig, DeviceKind, Share};
use shelf_devices::event::Payload;
use shelf_devices::hid_scanner::HidScannerConfig;
use shelf_devices::keyboard_scanner::KeyboardScannerConfig;
use shelf_devices::line_scanner::LineScannerConfig;
use shelf_devices::relay::RelayTo;

use crate::desk::{Desk, device};

/// How often it looks whether its input has ended.
const LOOK: Duration = Duration::from_millis(100);
/// Looks without anything new, after which it says that nothing comes.
const SILENT_LOOKS_MAX: u32 = 250;
/// Its first argument.
pub(crate) const WORD: &str = "other";

/// Who a process is.
#[derive(Clone, Copy)]
pub(crate) struct Who {
    /// User and group.
    pub(crate) id: u32,
    /// A second group; 0: none.
    pub(crate) second: u32,
}

/// As the lab's own process.
pub(crate) const ROOT: Who = Who { id: 0, second: 0 };

/// The process, seen from the scenario. Dropping it ends it.
pub(crate) struct Other {
    child: Child,
    out: BufReader<ChildStdout>,
}

impl Other {
    /// Starts it with devices, each `kind=selector`.
    pub(crate) fn start(who: Who, devices: &[&str]) -> Result<Self> {
        let mut child = Command::new("/init")
            .args([WORD, &who.id.to_string(), &who.second.to_string()])
            .args(devices)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let out = BufReader::new(child.stdout.take().context("its output")?);
        Ok(Self { child, out })
    }

    /// Waits until it has said something like this of a device.
    pub(crate) fn until(&mut self, device: &str, state: &str) -> Result<()> {
        let mut seen = String::new();
        loop {
            let mut line = String::new();
            if self.out.read_line(&mut line)? == 0 {
                bail!("it ended; of {device} it said: {seen}");
            }
            if line.starts_with(device) {
                if line.contains(state) {
                    return Ok(());
                }
                seen.push_str(&line);
            }
            if line.starts_with("timeout") {
                bail!("{device} never came to `{state}`: {seen}");
            }
        }
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        // It ends when its input does; by its own handle, if it doesn't.
        drop(self.child.stdin.take());
        let _taken = self.child.wait();
    }
}

/// The process itself.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let [id, second, devices @ ..] = arguments else {
        bail!("{WORD} USER GROUP [KIND=SELECTOR...]");
    };
    become_user(id.parse()?, second.parse()?)?;
    let configs = devices.iter().map(|it| config(it));
    let desk = Desk::open(configs.collect::<Result<_>>()?)?;
    // The end of the input is the sign; what is in it is of no interest.
    let ends = std::thread::spawn(|| std::io::stdin().read_to_end(&mut Vec::new()));
    let mut out = std::io::stdout();
    let mut silent = 0;
    while !ends.is_finished() {
        match desk.within(LOOK) {
            Some(event) => {
                silent = 0;
                if let Payload::State(state) = event.payload {
                    writeln!(out, "{} {state}", event.device)?;
                }
            }
            None => silent += 1,
        }
        if silent == SILENT_LOOKS_MAX {
            writeln!(out, "timeout {:?}", desk.status()?)?;
        }
        out.flush()?;
    }
    desk.close();
    Ok(())
}

/// Once for all: there is one thread yet.
fn become_user(id: u32, second: u32) -> Result<()> {
    if id == 0 {
        return Ok(());
    }
    let groups: Vec<Gid> = (second != 0)
        .then(|| Gid::from_raw(second))
        .into_iter()
        .collect();
    rustix::thread::set_thread_groups(&groups)?;
    let (user, group) = (Uid::from_raw(id), Gid::from_raw(id));
    rustix::thread::set_thread_res_gid(group, group, group)?;
    rustix::thread::set_thread_res_uid(user, user, user)?;
    Ok(())
}

fn config(words: &str) -> Result<DeviceConfig> {
    let (kind, selector) = words.split_once('=').context("KIND=SELECTOR")?;
    let hid = || DeviceKind::HidScanner(HidScannerConfig::default());
    let (made, share) = match kind {
        "line" => {
            let config = LineScannerConfig::default();
            (DeviceKind::LineScanner(config), Share::Exclusive)
        }
        "hid" => (hid(), Share::Exclusive),
        "typed-on" => (hid(), Share::Relay(RelayTo::Keyboard(Default::default()))),
        "keys" => {
            let config = KeyboardScannerConfig::default();
            (DeviceKind::KeyboardScanner(config), Share::Exclusive)
        }
        "badge" => (DeviceKind::BadgeReader, Share::Exclusive),
        other => bail!("no kind {other}"),
    };
    device(kind, selector, made, share)
}
