//! Installs what the tests need, from Debian's packages: brokers, browsers and tools that play
//! the outside world. The product itself needs none of them.

use std::process::Command;

use anyhow::{Context, Result, bail};

/// A program that a test runs, and the package that brings it.
const NEEDED: &[(&str, &str)] = &[
    ("mosquitto", "mosquitto"),
    ("pg_ctlcluster", "postgresql"),
    ("tshark", "tshark"),
    ("chromium", "chromium"),
    ("chromedriver", "chromium-driver"),
    ("npm", "npm"),
    ("systemd-nspawn", "systemd-container"),
    ("mmdebstrap", "mmdebstrap"),
    ("mkfs.ext4", "e2fsprogs"),
    ("losetup", "mount"),
    ("fusermount3", "fuse3"),
    ("dpkg-deb", "dpkg"),
    ("systemd-analyze", "systemd"),
    ("cc", "gcc"),
    ("sqlite3", "sqlite3"),
    ("lintian", "lintian"),
    ("qemu-system-x86_64", "qemu-system-x86"),
    ("xz", "xz-utils"),
];

/// Installs every missing package; does nothing where all are there.
pub(crate) fn everything() -> Result<()> {
    let missing: Vec<&str> = NEEDED
        .iter()
        .filter(|(program, _)| !on_path(program))
        .map(|(_, package)| *package)
        .collect();
    if missing.is_empty() {
        println!("everything that the tests need is installed");
        return Ok(());
    }
    println!("installing {}", missing.join(" "));
    apt(&["update", "-q"])?;
    let mut words = vec!["install", "-y", "-q", "--no-install-recommends"];
    words.extend(&missing);
    apt(&words)?;
    let absent: Vec<&str> = NEEDED
        .iter()
        .map(|(program, _)| *program)
        .filter(|it| !on_path(it))
        .collect();
    if !absent.is_empty() {
        bail!("still missing after the installation: {}", absent.join(" "));
    }
    Ok(())
}

fn apt(words: &[&str]) -> Result<()> {
    let status = Command::new("apt-get")
        .args(words)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .status()
        .context("apt-get could not be started: the full test run needs Debian 12 and root")?;
    if !status.success() {
        bail!(
            "apt-get {} failed: are you root, and online?",
            words.join(" ")
        );
    }
    Ok(())
}

fn on_path(program: &str) -> bool {
    let places = std::env::var_os("PATH").unwrap_or_default();
    let extra = ["/usr/sbin", "/sbin"].map(std::path::PathBuf::from);
    std::env::split_paths(&places)
        .chain(extra)
        .any(|it| it.join(program).is_file())
}
