//! Debian's udevd for the machine, taken out of its package without installing it, with the rules that it
//! needs to name a device and ours as the package ships them.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use shelf_tests::programs::INSTALL;

use super::kernel::output;

/// Rules of udev that ours build on: groups of its own, names by port, loading of drivers.
const RULES: [&str; 4] = [
    "50-udev-default.rules",
    "60-input-id.rules",
    "60-persistent-input.rules",
    "60-serial.rules",
];
/// Who is who in the machine.
const GROUPS: &str = "root:x:0:\ntty:x:5:\ndisk:x:6:\nlp:x:7:\nkmem:x:15:\ndialout:x:20:\ncdrom:x:24:\n\
    audio:x:29:\nvideo:x:44:\ninput:x:101:\nrender:x:102:\nkvm:x:103:\nsgx:x:104:\nshelfd:x:990:\n\
    nogroup:x:65534:\n";
const USERS: &str =
    "root:x:0:0::/:/bin/sh\nshelfd:x:990:990::/:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n";

/// What the machine gets of it.
pub(crate) struct Udev {
    /// The program, for the libraries that it needs.
    pub(crate) program: PathBuf,
    /// Files by their place in the machine.
    pub(crate) files: Vec<(String, Vec<u8>)>,
}

/// Gets it, by apt if it is not there yet.
pub(crate) fn get(lab: &Path) -> Result<Udev> {
    let home = lab.join("udev");
    let program = home.join("bin/udevadm");
    if !program.is_file() {
        // Lists of packages may be too old to fetch what they name.
        let renewed = || output("apt-get", &["update", "-q"], Path::new("/"));
        unpack(lab, &home)
            .or_else(|_| renewed().and_then(|_| unpack(lab, &home)))
            .with_context(|| format!("udev of Debian; {INSTALL}"))?;
    }
    let bytes = std::fs::read(&program)?;
    let mut files = vec![
        ("usr/lib/systemd/systemd-udevd".to_owned(), bytes.clone()),
        ("usr/bin/udevadm".to_owned(), bytes),
        ("etc/group".to_owned(), GROUPS.into()),
        ("etc/passwd".to_owned(), USERS.into()),
    ];
    for rules in RULES {
        let bytes = std::fs::read(home.join("lib/udev/rules.d").join(rules))?;
        files.push((format!("usr/lib/udev/rules.d/{rules}"), bytes));
    }
    let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join("../packaging/deb/60-shelfd.rules");
    let bytes = std::fs::read(&ours).with_context(|| ours.display().to_string())?;
    files.push(("usr/lib/udev/rules.d/60-shelfd.rules".to_owned(), bytes));
    Ok(Udev { program, files })
}

fn unpack(lab: &Path, home: &Path) -> Result<()> {
    let folder = tempfile::tempdir_in(lab)?;
    output("apt-get", &["download", "-q", "udev"], folder.path())?;
    let mut packages = std::fs::read_dir(folder.path())?
        .flatten()
        .map(|it| it.path());
    let package = packages
        .next()
        .context("apt-get download left no package")?;
    let unpacked = folder.path().join("udev");
    let (package, to) = (
        package.display().to_string(),
        unpacked.display().to_string(),
    );
    output("dpkg-deb", &["-x", &package, &to], Path::new("/"))?;
    // The name appears only when all of it is there; one that is there already is as good.
    std::fs::rename(&unpacked, home).or_else(|error| match home.is_dir() {
        true => Ok(()),
        false => Err(error),
    })?;
    Ok(())
}
