//! The emulated machine: QEMU without KVM, driven over its control socket. It does what the program
//! inside asks for (plugs QEMU's own devices, types on QEMU's keyboard) and collects its verdicts.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use shelf_tests::patience::{Look, USUAL, now, pass, until};
use shelf_tests::programs::{installed, target};

use super::{initramfs, kernel, udev};

/// Longest silence of the machine, booting included; emulated on a busy computer, it is slow.
const SILENCE_MAX: Duration = Duration::from_secs(150);
/// Lines of the machine that may wait.
const LINES_MAX: usize = 256;
/// Between two events of QEMU's keyboard, whose queue is short.
const KEY_PAUSE: Duration = Duration::from_millis(40);

/// What became of a scenario.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// It passed, in this time.
    Passed {
        /// Milliseconds.
        ms: u64,
    },
    /// It failed.
    Failed {
        /// Why.
        words: String,
    },
}

/// Boots the machine, lets it run its scenarios, and ends it.
pub(crate) fn run() -> Result<BTreeMap<String, Verdict>> {
    let start = now();
    let lab = target()?.join("device-lab");
    std::fs::create_dir_all(&lab)?;
    let kernel = kernel::get(&lab)?;
    let folder = tempfile::tempdir()?;
    let archive = folder.path().join("initramfs");
    let program = Path::new(env!("CARGO_BIN_EXE_device_lab_guest"));
    let udev = udev::get(&lab)?;
    initramfs::write(&archive, program, &kernel, &udev)?;
    println!("prepared after {:?}", start.elapsed());
    let mut machine = Machine::boot(folder.path(), &kernel.image, &archive)?;
    let verdicts = machine.verdicts();
    println!("ended after {:?}", start.elapsed());
    let console = std::fs::read(folder.path().join("console")).unwrap_or_default();
    let console = String::from_utf8_lossy(&console).into_owned();
    let tail: Vec<&str> = console.lines().rev().take(40).collect();
    let tail: Vec<&str> = tail.into_iter().rev().collect();
    println!("its console:\n{}", tail.join("\n"));
    verdicts
}

struct Machine {
    qemu: Child,
    lines: Receiver<String>,
    control: BufReader<UnixStream>,
    folder: PathBuf,
    /// The other ends of QEMU's serial devices.
    wires: BTreeMap<String, UnixStream>,
}

impl Drop for Machine {
    fn drop(&mut self) {
        // By its own handle; an error means that it has ended.
        let _ended = self.qemu.kill();
        let _taken = self.qemu.wait();
    }
}

impl Machine {
    fn boot(folder: &Path, image: &Path, archive: &Path) -> Result<Self> {
        let qmp = folder.join("qmp");
        let mut command = Command::new(installed("qemu-system-x86_64")?);
        command
            .args([
                "-accel",
                "tcg,thread=multi",
                "-cpu",
                "max",
                "-smp",
                "1",
                "-m",
                "512",
            ])
            .args(["-nodefaults", "-display", "none", "-no-reboot"])
            .arg("-serial")
            .arg(format!("file:{}", folder.join("console").display()))
            .args(["-serial", "stdio", "-device", "qemu-xhci,id=xhci"])
            .arg("-qmp")
            .arg(format!("unix:{},server=on,wait=off", qmp.display()))
            .arg("-kernel")
            .arg(image)
            .arg("-initrd")
            .arg(archive)
            .args(["-append", "console=ttyS0 quiet mitigations=off panic=-1"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped());
        let mut qemu = command.spawn().context("start the machine")?;
        let out = qemu.stdout.take().context("its second serial port")?;
        let (sender, lines) = sync_channel(LINES_MAX);
        std::thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        let control = until("QEMU's control socket", USUAL, || {
            Ok(Look::Done(UnixStream::connect(&qmp)?))
        })?;
        control.set_read_timeout(Some(USUAL))?;
        let mut machine = Self {
            qemu,
            lines,
            control: BufReader::new(control),
            folder: folder.to_owned(),
            wires: BTreeMap::new(),
        };
        machine.message()?;
        machine.order("qmp_capabilities", json!({}))?;
        Ok(machine)
    }

    fn verdicts(&mut self) -> Result<BTreeMap<String, Verdict>> {
        let mut verdicts = BTreeMap::new();
        loop {
            let line = match self.lines.recv_timeout(SILENCE_MAX) {
                Ok(line) => line,
                Err(RecvTimeoutError::Timeout) => {
                    bail!("silent for {SILENCE_MAX:?}; so far: {verdicts:?}")
                }
                Err(RecvTimeoutError::Disconnected) => {
                    bail!("it ended early; so far: {verdicts:?}")
                }
            };
            let Some((_, words)) = line.split_once("@@") else {
                continue;
            };
            println!("{}", words.trim());
            let mut parts = words.trim().splitn(3, ' ');
            let (kind, name) = (parts.next().unwrap_or(""), parts.next().unwrap_or(""));
            let rest = parts.next().unwrap_or("");
            match kind {
                "PASS" => {
                    let ms = rest.parse().unwrap_or(0);
                    verdicts.insert(name.to_owned(), Verdict::Passed { ms });
                }
                "FAIL" => {
                    let words = rest.to_owned();
                    verdicts.insert(name.to_owned(), Verdict::Failed { words });
                }
                "ask" => self
                    .asked(name, rest)
                    .with_context(|| format!("asked: {line}"))?,
                "END" => return Ok(verdicts),
                _ => {}
            }
        }
    }

    /// Does what the program inside asks for.
    fn asked(&mut self, what: &str, words: &str) -> Result<()> {
        let words: Vec<&str> = words.split(' ').collect();
        match (what, words.as_slice()) {
            ("plug", [driver, id, more @ ..]) => {
                let mut order = json!({"driver": driver, "id": id, "bus": "xhci.0"});
                for (key, value) in more.iter().filter_map(|it| it.split_once('=')) {
                    order[key] = json!(value);
                }
                self.order("device_add", order)
            }
            ("unplug", [id]) => self.unplug(id),
            ("chardev", [id]) => self.wire(id),
            ("send", [id, code]) => {
                let wire = self.wires.get_mut(*id).context("no such wire")?;
                Ok(wire.write_all(format!("{code}\r").as_bytes())?)
            }
            ("type", [code]) => {
                for key in code
                    .chars()
                    .map(|it| it.to_string())
                    .chain(["ret".to_owned()])
                {
                    for down in [true, false] {
                        let key = json!({"type": "qcode", "data": key});
                        let event = json!({"type": "key", "data": {"down": down, "key": key}});
                        self.order("input-send-event", json!({"events": [event]}))?;
                        pass(KEY_PAUSE);
                    }
                }
                Ok(())
            }
            _ => bail!("nobody knows how"),
        }
    }

    /// A character device whose other end we hold.
    fn wire(&mut self, id: &str) -> Result<()> {
        let path = self.folder.join(id);
        let listener = UnixListener::bind(&path)?;
        let address = json!({"type": "unix", "data": {"path": path}});
        let backend = json!({"type": "socket", "data": {"addr": address, "server": false}});
        self.order("chardev-add", json!({"id": id, "backend": backend}))?;
        self.wires.insert(id.to_owned(), listener.accept()?.0);
        Ok(())
    }

    /// Unplugs a device and waits until it is let go: only then its wire can be used again.
    fn unplug(&mut self, id: &str) -> Result<()> {
        self.send("device_del", json!({"id": id}))?;
        loop {
            let message = self.message()?;
            if let Some(error) = message.get("error") {
                bail!("device_del: {error}");
            }
            if message["event"] == "DEVICE_DELETED" && message["data"]["device"] == id {
                return Ok(());
            }
        }
    }

    fn order(&mut self, what: &str, arguments: Value) -> Result<()> {
        self.send(what, arguments)?;
        loop {
            let message = self.message()?;
            if let Some(error) = message.get("error") {
                bail!("{what}: {error}");
            }
            if message.get("return").is_some() {
                return Ok(());
            }
        }
    }

    fn send(&mut self, what: &str, arguments: Value) -> Result<()> {
        let order = json!({"execute": what, "arguments": arguments});
        let control = self.control.get_mut();
        control.write_all(format!("{order}\n").as_bytes())?;
        Ok(())
    }

    fn message(&mut self) -> Result<Value> {
        let mut line = String::new();
        let read = self.control.read_line(&mut line).context("QEMU's answer")?;
        if read == 0 {
            bail!("QEMU has gone");
        }
        Ok(serde_json::from_str(&line)?)
    }
}
