//! The daemon's small files: configuration, secrets, what the file drop moves.

use std::io;
use std::path::{Path, PathBuf};

/// The most bytes that a text file of ours may have.
pub(crate) const TEXT_FILE_BYTES_MAX: u64 = 1024 * 1024;

/// A whole text file, refused if it is larger than [`TEXT_FILE_BYTES_MAX`].
pub(crate) fn read_text(path: &Path) -> io::Result<String> {
    if std::fs::metadata(path)?.len() > TEXT_FILE_BYTES_MAX {
        let message = format!("it is larger than {TEXT_FILE_BYTES_MAX} bytes");
        return Err(io::Error::new(io::ErrorKind::InvalidData, message));
    }
    std::fs::read_to_string(path)
}

/// A secret of one line: the file must be closed to others.
pub(crate) fn read_secret(path: &Path) -> io::Result<String> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = std::fs::metadata(path)?.permissions().mode();
    if mode & 0o077 != 0 {
        let message = format!("others may read it (mode {:o}): chmod 600", mode & 0o777);
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, message));
    }
    Ok(read_text(path)?.trim_end_matches(['\r', '\n']).to_owned())
}

/// Writes a file that only this user may read, whole or not at all: a power cut leaves the old one.
pub(crate) fn write_secret(path: &Path, text: &str) -> io::Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let part = path.with_extension("part");
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&part)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&part, path)
}

/// Whether this user may list a folder, and put files into it and take them out.
pub(crate) fn can_be_moved_in(folder: &Path) -> io::Result<()> {
    use rustix::fs::{Access, access};
    std::fs::read_dir(folder)?;
    access(folder, Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK).map_err(io::Error::from)
}

/// The files of a folder with an extension; a folder that isn't there has none.
pub(crate) fn list(folder: &Path, extension: &str) -> io::Result<Vec<PathBuf>> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|it| it == extension) && path.is_file() {
            found.push(path);
        }
    }
    Ok(found)
}

/// Makes a folder that only this user may enter.
pub(crate) fn private_folder(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
}

/// Bytes that this user may still write on the disk of a folder.
pub(crate) fn disk_free_bytes(path: &Path) -> io::Result<u64> {
    let disk = rustix::fs::statvfs(path)?;
    Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
}

/// Whether something of this name is there, be it a link that leads nowhere.
pub(crate) fn is_there(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_ok()
}

/// Whether this user may read and write a node; asks without opening it.
pub(crate) fn may_be_opened(node: &Path) -> bool {
    use rustix::fs::Access;
    rustix::fs::access(node, Access::READ_OK | Access::WRITE_OK).is_ok()
}
