//! Folders into which other systems drop their sales: looked at once a second, read when whole.
//!
//! The machine of `shelf_till` decides which file is whole and where it goes; here its effects are
//! carried out: read, import, move. A file leaves the folder only after everything in it is
//! durable, facts in the ledger and faults in the inbox. Nothing is ever deleted or overwritten.

#![allow(
    clippy::disallowed_methods,
    reason = "the file drop owns the files of its folders"
)]

mod import;
mod sheet;
mod tags;

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use shelf_ledger::Tx;
use shelf_stock::identity::Digest;
use shelf_stock::name::TillId;
use shelf_stock::time::Timestamp;
use shelf_till::source::file_drop::{DropEffect, DropInput, FileDrop, SeenFile, Verdict};
use shelf_till::source::hash;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

use super::shop::Shop;

/// Milliseconds between two looks.
const POLL_MS: u64 = 1_000;
/// The largest file that is read.
const FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Hashes of earlier files that are remembered; older repetitions are found receipt by receipt.
const HASHES_MAX: usize = 2_000;
/// Names that are tried for a file whose name is taken where it goes.
const NAMES_MAX: u32 = 10_000;

/// What is dropped into a folder.
#[derive(Clone, Debug)]
enum Dropped {
    /// Sales of a till.
    Sales(TillId),
    /// Reads of handheld RFID readers.
    Tags,
}

/// A folder that is watched.
struct Folder {
    dropped: Dropped,
    path: PathBuf,
    machine: FileDrop,
    read_before: VecDeque<Digest>,
    is_missing: bool,
}

/// Watches the folders of all tills that have one and that of handheld readers, until the daemon stops.
pub(crate) fn start(shop: &Arc<Shop>, stop: watch::Receiver<bool>, tasks: &mut JoinSet<()>) {
    let tills = shop.config.till.iter();
    let mut folders: Vec<(Dropped, PathBuf)> = tills
        .filter_map(|it| Some((Dropped::Sales(it.name.clone()?), it.drop_dir.clone()?)))
        .collect();
    let tags = shop.config.rfid.drop_dir.clone();
    folders.extend(tags.map(|it| (Dropped::Tags, it)));
    if !folders.is_empty() {
        tasks.spawn(watch_all(shop.clone(), folders, stop));
    }
}

async fn watch_all(
    shop: Arc<Shop>,
    folders: Vec<(Dropped, PathBuf)>,
    mut stop: watch::Receiver<bool>,
) {
    let open = |(dropped, path)| Folder::open(&shop, dropped, path);
    let mut folders: Vec<Folder> = folders.into_iter().map(open).collect();
    let mut tick = interval(Duration::from_millis(POLL_MS));
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = tick.tick() => {}
            _ = stop.wait_for(|it| *it) => return,
        }
        let shop = shop.clone();
        let look = move || {
            folders.iter_mut().for_each(|it| it.look(&shop));
            folders
        };
        match tokio::task::spawn_blocking(look).await {
            Ok(back) => folders = back,
            Err(error) => {
                tracing::error!(%error, "the file drop panicked and stopped");
                return;
            }
        }
    }
}

impl Folder {
    fn open(shop: &Shop, dropped: Dropped, path: PathBuf) -> Self {
        let key = dropped.remembered();
        let known = shop.readers.with(|ledger| ledger.setting(&key));
        let known = known.unwrap_or_else(|error| {
            tracing::error!(%error, "what was dropped before can't be read");
            None
        });
        let known = known.unwrap_or_default();
        let read_before: VecDeque<Digest> = known
            .split_whitespace()
            .filter_map(|it| it.parse().ok())
            .collect();
        let machine = FileDrop::new(read_before.iter().copied());
        Self {
            dropped,
            path,
            machine,
            read_before,
            is_missing: false,
        }
    }

    /// Looks once and carries out what follows.
    fn look(&mut self, shop: &Shop) {
        let seen = match self.seen() {
            Ok(seen) => seen,
            Err(error) => {
                if !self.is_missing {
                    let folder = self.path.display();
                    tracing::error!(%folder, %error, "the drop folder can't be read");
                }
                self.is_missing = true;
                return;
            }
        };
        self.is_missing = false;
        let mut inputs = VecDeque::from([DropInput::Polled(seen)]);
        while let Some(input) = inputs.pop_front() {
            let mut effects = Vec::new();
            self.machine.handle(input, &mut effects);
            inputs.extend(effects.into_iter().map(|it| self.carry_out(shop, it)));
        }
    }

    fn seen(&self) -> io::Result<Vec<SeenFile>> {
        let mut seen = Vec::new();
        for entry in std::fs::read_dir(&self.path)? {
            let entry = entry?;
            let Ok(about) = entry.metadata() else {
                continue;
            };
            let Ok(name) = entry.file_name().into_string() else {
                continue;
            };
            if !about.is_file() {
                continue;
            }
            let modified = about.modified().ok();
            let since = modified.and_then(|it| it.duration_since(UNIX_EPOCH).ok());
            let millis = since.and_then(|it| i64::try_from(it.as_millis()).ok());
            seen.push(SeenFile {
                name,
                bytes: about.len(),
                modified: Timestamp::from_millis(millis.unwrap_or(0)),
                renamed_in: false,
            });
        }
        seen.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(seen)
    }

    fn carry_out(&mut self, shop: &Shop, effect: DropEffect) -> DropInput {
        match effect {
            DropEffect::Hash { name } => match self.bytes(&name) {
                Ok(bytes) => DropInput::Hashed {
                    hash: hash(&bytes),
                    name,
                },
                Err(error) => self.unreadable(name, &error),
            },
            DropEffect::Import { name, hash: wanted } => match self.bytes(&name) {
                Ok(bytes) if hash(&bytes) == wanted => {
                    let verdict = match &self.dropped {
                        Dropped::Sales(till) => import::import(shop, till, &name, &bytes),
                        Dropped::Tags => tags::import(shop, &name, &bytes),
                    };
                    DropInput::Imported { name, verdict }
                }
                Ok(_) => DropInput::Imported {
                    name,
                    verdict: Verdict::Again,
                },
                Err(error) => self.unreadable(name, &error),
            },
            DropEffect::MoveToDone {
                name,
                hash,
                repeated,
            } => {
                let remembered = self.remember(shop, hash);
                let done = remembered.and_then(|()| self.put_away(&name, "done"));
                let folder = self.path.display();
                tracing::info!(%folder, file = %name, repeated, "a dropped file was read");
                self.moved(name, done.map(|_| ()))
            }
            DropEffect::MoveToQuarantine { name, reason } => {
                let folder = self.path.display();
                tracing::warn!(%folder, file = %name, reason, "a dropped file is unusable");
                // A person must learn of it from the page, not from the log.
                super::intake::keep(shop, "file_refused", &name, &reason, b"");
                let done = self.put_away(&name, "quarantine").and_then(|path| {
                    let mut beside = path.into_os_string();
                    beside.push(".reason.txt");
                    std::fs::write(beside, format!("{reason}\n"))
                });
                self.moved(name, done)
            }
        }
    }

    fn bytes(&self, name: &str) -> io::Result<Vec<u8>> {
        let path = self.path.join(name);
        if std::fs::metadata(&path)?.len() > FILE_BYTES_MAX {
            let message = format!("it is larger than {FILE_BYTES_MAX} bytes: split it");
            return Err(io::Error::new(io::ErrorKind::InvalidData, message));
        }
        std::fs::read(path)
    }

    fn unreadable(&self, name: String, error: &io::Error) -> DropInput {
        let folder = self.path.display();
        tracing::warn!(%folder, file = %name, %error, "a dropped file can't be read");
        DropInput::Unreadable { name }
    }

    fn moved(&self, name: String, done: io::Result<()>) -> DropInput {
        if let Err(error) = done {
            let folder = self.path.display();
            tracing::error!(%folder, file = %name, %error, "a file can't be put away");
        }
        DropInput::Moved { name }
    }

    /// Moves a file into a folder beside it, under a name that is free there.
    fn put_away(&self, name: &str, folder: &str) -> io::Result<PathBuf> {
        let folder = self.path.join(folder);
        std::fs::create_dir_all(&folder)?;
        let path = free_name(&folder, name)?;
        std::fs::rename(self.path.join(name), &path)?;
        Ok(path)
    }

    /// So that the same bytes are not read again, not even after a restart.
    fn remember(&mut self, shop: &Shop, hash: Digest) -> io::Result<()> {
        if self.read_before.contains(&hash) {
            return Ok(());
        }
        self.read_before.push_back(hash);
        if self.read_before.len() > HASHES_MAX {
            self.read_before.pop_front();
        }
        let text: Vec<String> = self.read_before.iter().map(ToString::to_string).collect();
        let (key, text) = (self.dropped.remembered(), text.join("\n"));
        let put = move |tx: &mut Tx<'_>| tx.setting_put(&key, &text);
        shop.writer
            .execute_blocking("file drop", put)
            .wait()
            .map_err(io::Error::other)
    }
}

impl Dropped {
    /// Where the hashes of files are kept that were read before.
    fn remembered(&self) -> String {
        match self {
            Self::Sales(till) => format!("drop.{till}"),
            // No till is called so.
            Self::Tags => "drop./rfid".to_owned(),
        }
    }
}

fn free_name(folder: &Path, name: &str) -> io::Result<PathBuf> {
    let free = |it: &PathBuf| std::fs::symlink_metadata(it).is_err();
    let numbered = (2..NAMES_MAX).map(|number| folder.join(format!("{name}.{number}")));
    let mut names = std::iter::once(folder.join(name)).chain(numbered);
    names
        .find(free)
        .ok_or_else(|| io::Error::other("too many files of this name"))
}
