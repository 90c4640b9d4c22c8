//! The machine around the scenarios: file systems, drivers, the line to the test outside.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result};
use rustix::mount::{MountFlags, mount};
use rustix::system::{RebootCommand, finit_module, reboot};
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};

/// The line to the test outside.
const LINE: &str = "/dev/ttyS1";
/// Drivers in the order in which they are loaded.
const MODULES: &str = "/modules";

static OUT: Mutex<Option<File>> = Mutex::new(None);

/// Mounts, loads, opens the line.
pub(crate) fn bring_up() -> Result<()> {
    for (kind, place) in [
        ("devtmpfs", "/dev"),
        ("proc", "/proc"),
        ("sysfs", "/sys"),
        ("tmpfs", "/tmp"),
    ] {
        std::fs::create_dir_all(place)?;
        mount(kind, place, kind, MountFlags::empty(), None)
            .with_context(|| format!("mount {place}"))?;
    }
    let line = OpenOptions::new()
        .read(true)
        .write(true)
        .open(LINE)
        .context(LINE)?;
    let mut settings = tcgetattr(&line)?;
    settings.make_raw();
    tcsetattr(&line, OptionalActions::Now, &settings)?;
    *OUT.lock().unwrap_or_else(PoisonError::into_inner) = Some(line);
    let mut modules: Vec<_> = std::fs::read_dir(MODULES)?.collect::<Result<_, _>>()?;
    modules.sort_by_key(std::fs::DirEntry::file_name);
    for module in modules {
        let file = File::open(module.path())?;
        let loaded = finit_module(&file, c"", 0);
        loaded.with_context(|| format!("load {}", module.path().display()))?;
    }
    Ok(())
}

/// One line to the test outside, and to the console for whoever reads that.
pub(crate) fn say(line: &str) {
    let mut out = OUT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(out) = out.as_mut() {
        // Nobody is left to be told that the line is broken: the test outside sees silence.
        let _broken = out.write_all(format!("{line}\n").as_bytes());
    }
}

/// Has the machine itself do something; it does it while we go on.
pub(crate) fn ask(what: &str) {
    say(&format!("@@ask {what}"));
}

/// Ends the machine.
pub(crate) fn power_off() {
    // If it fails, the end of process 1 stops the machine too, less politely.
    let _still_on = reboot(RebootCommand::PowerOff);
}

/// Processor time of this process since its start, in milliseconds.
pub(crate) fn cpu_ms() -> Result<u64> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let fields: Vec<&str> = stat
        .rsplit(')')
        .next()
        .unwrap_or("")
        .split_whitespace()
        .collect();
    let ticks = |at: usize| {
        fields
            .get(at)
            .and_then(|it| it.parse::<u64>().ok())
            .context("/proc/self/stat")
    };
    // User and system time, in hundredths of a second.
    Ok((ticks(11)? + ticks(12)?) * 10)
}
