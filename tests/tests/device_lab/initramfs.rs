//! The machine's only file system: our program as process 1, its libraries, and the drivers. Written
//! as the kernel reads it ("newc" of cpio), not packed, because unpacking is slow under emulation.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, Result};

use super::kernel::{Kernel, output};
use super::udev::Udev;

/// File types and rights.
const FOLDER: u32 = 0o040_755;
const PROGRAM: u32 = 0o100_755;
const DEVICE: u32 = 0o020_600;

/// An archive in the making.
#[derive(Default)]
struct Archive {
    bytes: Vec<u8>,
    inode: u32,
    folders: Vec<String>,
}

/// Writes the archive for this program.
pub(crate) fn write(to: &Path, program: &Path, kernel: &Kernel, udev: &Udev) -> Result<()> {
    let mut archive = Archive::default();
    archive.program("init", &std::fs::read(program)?);
    // Process 1 writes to the console before it has mounted anything.
    archive.device("dev/console", 5, 1);
    archive.device("dev/null", 1, 3);
    for (inside, bytes) in &udev.files {
        archive.program(inside, bytes);
    }
    let mut libraries = BTreeSet::new();
    for program in [program, &udev.program] {
        let needed = output("ldd", &[&program.display().to_string()], Path::new("/"))?;
        let needed = String::from_utf8_lossy(&needed).into_owned();
        let paths = needed.split_whitespace().filter(|it| it.starts_with('/'));
        libraries.extend(paths.map(str::to_owned));
    }
    for library in libraries {
        let bytes = std::fs::read(&library).with_context(|| library.clone())?;
        archive.program(library.trim_start_matches('/'), &bytes);
    }
    for (number, driver) in kernel.drivers.iter().enumerate() {
        let name = driver
            .file_name()
            .and_then(|it| it.to_str())
            .unwrap_or("driver");
        archive.program(
            &format!("modules/{number:02}-{name}"),
            &std::fs::read(driver)?,
        );
    }
    archive.entry("TRAILER!!!", 0, &[], (0, 0));
    std::fs::write(to, archive.bytes).with_context(|| to.display().to_string())
}

impl Archive {
    fn program(&mut self, path: &str, bytes: &[u8]) {
        self.folders_of(path);
        self.entry(path, PROGRAM, bytes, (0, 0));
    }

    fn device(&mut self, path: &str, major: u32, minor: u32) {
        self.folders_of(path);
        self.entry(path, DEVICE, &[], (major, minor));
    }

    /// Every folder above a path, once.
    fn folders_of(&mut self, path: &str) {
        for (at, _) in path.match_indices('/') {
            let folder = path[..at].to_owned();
            if !self.folders.contains(&folder) {
                self.entry(&folder, FOLDER, &[], (0, 0));
                self.folders.push(folder);
            }
        }
    }

    fn entry(&mut self, path: &str, mode: u32, bytes: &[u8], (major, minor): (u32, u32)) {
        self.inode += 1;
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        let name_length = u32::try_from(path.len() + 1).unwrap_or(u32::MAX);
        let fields = [
            self.inode,
            mode,
            0,
            0,
            1,
            0,
            length,
            0,
            0,
            major,
            minor,
            name_length,
            0,
        ];
        self.bytes.extend_from_slice(b"070701");
        for field in fields {
            self.bytes
                .extend_from_slice(format!("{field:08X}").as_bytes());
        }
        self.bytes.extend_from_slice(path.as_bytes());
        self.bytes.push(0);
        self.pad();
        self.bytes.extend_from_slice(bytes);
        self.pad();
    }

    fn pad(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }
}
