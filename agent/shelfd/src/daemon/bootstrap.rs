//! A PC that lacks very much fetches the store's documents as files, beside the exchange.
//!
//! The hub hints at its list of parts; each part is downloaded, resumed after a break or a kill,
//! and not a byte of it is used before its hash is the list's. Its frames go to the machine one in
//! a transaction, which checks their authors' signatures as always and acks them to the hub, so that
//! a sale waits for one small batch at most, and the hub stops sending what came this way. Files
//! and batches are idempotent together: nothing is held back, and giving up loses only time. What a
//! killed run had stored is known by the ledger alone; no other progress is kept.
#![allow(
    clippy::disallowed_methods,
    reason = "owns the half-downloaded files below the data folder"
)]

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use shelf_replica::store::{LogId, Store as _};
use shelf_stock::identity::Incarnation;
use shelf_wire::frame::FRAME_BYTES_MAX;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use super::counter::chain;
use super::shop::Shop;
use super::status::BootstrapStatus;
use crate::platform;

/// The format of parts that this program reads.
const FORMAT: u32 = 1;
/// The most bytes that a part may have.
const PART_BYTES_MAX: u64 = 32 * 1024 * 1024;
/// The most bytes that the list of parts may have.
const LIST_BYTES_MAX: usize = 8 * 1024 * 1024;
/// How often the list is asked for while the hub is still making parts.
const LISTS_MAX: usize = 4_096;
/// How often a failure is tried again before the exchange alone brings the rest.
const ATTEMPTS_MAX: u32 = 10;
/// The first and the longest wait after a failure, in milliseconds.
const RETRY_DELAY_MS: u64 = 1_000;
const RETRY_DELAY_MS_MAX: u64 = 60_000;

/// A frame for the machine, and who waits for it.
struct Fed {
    frame: Vec<u8>,
    taken: oneshot::Sender<()>,
}

/// The exchange's end of the fetching.
pub(super) struct Files {
    feed: mpsc::Sender<Fed>,
    frames: mpsc::Receiver<Fed>,
    waiting: Option<oneshot::Sender<()>>,
    task: Option<JoinHandle<()>>,
}

impl Files {
    /// Nothing is being fetched.
    pub(super) fn new() -> Self {
        let (feed, frames) = mpsc::channel(1);
        Self {
            feed,
            frames,
            waiting: None,
            task: None,
        }
    }

    /// The hub says where the store's documents are as files.
    pub(super) fn announced(&mut self, shop: &Arc<Shop>, path: String) {
        if self.task.as_ref().is_some_and(|it| !it.is_finished()) {
            return;
        }
        let Some(base) = shop.config.hub.url.clone() else {
            tracing::info!("the hub has files of the store's documents, but `hub.url` is not set");
            return;
        };
        let list = format!("{}{path}", base.trim_end_matches('/'));
        let fetching = Fetching {
            shop: shop.clone(),
            folder: shop.data.join("bootstrap"),
            list,
            feed: self.feed.clone(),
            useless: BTreeSet::new(),
        };
        self.task = Some(tokio::spawn(fetching.run()));
    }

    /// The next frame of a file; may be long in coming.
    pub(super) async fn next(&mut self) -> Vec<u8> {
        match self.frames.recv().await {
            Some(fed) => {
                self.waiting = Some(fed.taken);
                fed.frame
            }
            // Not while we hold a sender ourselves.
            None => std::future::pending().await,
        }
    }

    /// The machine has dealt with the last frame.
    pub(super) fn taken(&mut self) {
        if let Some(waiting) = self.waiting.take() {
            // Nobody waits where the fetching was given up.
            let _told = waiting.send(());
        }
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

/// The hub's list; fields that only others need are left out.
#[derive(Debug, Deserialize)]
struct List {
    format: u32,
    complete: bool,
    parts: Vec<Part>,
}

/// A part, as the list names it.
#[derive(Clone, Debug, Deserialize)]
struct Part {
    number: u64,
    node: String,
    incarnation: String,
    first: u64,
    last: u64,
    bytes: u64,
    sha256: String,
}

impl Part {
    fn log(&self) -> Option<LogId> {
        Some(LogId {
            node: self.node.parse().ok()?,
            incarnation: Incarnation(u64::from_str_radix(&self.incarnation, 16).ok()?),
        })
    }

    /// Where it is downloaded to: by its hash, so that what is there already is of this part.
    fn file(&self, folder: &Path) -> PathBuf {
        folder.join(format!("{}.part", self.sha256))
    }

    /// Whether it can be asked for: the hash becomes a file's name.
    fn is_sound(&self) -> bool {
        let hash = self.sha256.len() == 64 && self.sha256.bytes().all(|it| it.is_ascii_hexdigit());
        hash && (1..=PART_BYTES_MAX).contains(&self.bytes) && self.log().is_some()
    }
}

/// A part or the list could not be had.
#[derive(Debug, thiserror::Error)]
enum FetchError {
    #[error("`{url}` can't be downloaded")]
    Download {
        url: String,
        #[source]
        source: reqwest::Error,
    },
    #[error("the hub's list of files can't be read: is its version another one?")]
    List(#[source] Option<serde_json::Error>),
    #[error("part {number} is not what the hub's list says: nothing of it was used")]
    Hash { number: u64 },
    #[error("part {number} can't be kept in `{}`: is the disk full?", folder.display())]
    File {
        number: u64,
        folder: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("the ledger can't be read: {message}")]
    Ledger { message: String },
    #[error("this PC is being stopped")]
    Stopped,
}

/// One fetching of everything.
struct Fetching {
    shop: Arc<Shop>,
    folder: PathBuf,
    list: String,
    feed: mpsc::Sender<Fed>,
    /// Parts that were given to the machine and left it where it was.
    useless: BTreeSet<u64>,
}

impl Fetching {
    async fn run(mut self) {
        tracing::info!(list = %self.list, "the store's documents are fetched as files");
        for attempt in 0..ATTEMPTS_MAX {
            match self.all().await {
                Ok(()) => {
                    tracing::info!("the store's documents are here");
                    break;
                }
                Err(error) => tracing::warn!(message = %chain(&error), "files of documents"),
            }
            let delay_ms = RETRY_DELAY_MS.saturating_mul(1 << attempt);
            let at = self.shop.clock.millis() + delay_ms.min(RETRY_DELAY_MS_MAX);
            tokio::time::sleep_until(self.shop.clock.at_millis(at).into()).await;
        }
        // What stays is only room; the next fetching removes it too.
        let _gone = fs::remove_dir_all(&self.folder);
        self.shop.sync.send_modify(|it| it.bootstrap = None);
        self.shop.ring_pages();
    }

    async fn all(&mut self) -> Result<(), FetchError> {
        for _ in 0..LISTS_MAX {
            let mut list = fetch_list(&self.list).await?;
            // The exchange begins with the first logs: they meet in the middle.
            list.parts.sort_by_key(|it| (Reverse(it.log()), it.first));
            let mut fetched = 0_usize;
            for part in &list.parts {
                if part.is_sound() && !self.useless.contains(&part.number) && self.lacks(part)? {
                    self.progress(&list)?;
                    self.take(part).await?;
                    fetched += 1;
                }
            }
            if list.complete {
                return Ok(());
            }
            tracing::debug!(fetched, "the hub makes more files");
        }
        Ok(())
    }

    async fn take(&mut self, part: &Part) -> Result<(), FetchError> {
        let content = fetch(&self.list, part, &self.folder).await?;
        for frame in frames(&content) {
            let (taken, wait) = oneshot::channel();
            let frame = frame.to_vec();
            let fed = self.feed.send(Fed { frame, taken }).await;
            fed.map_err(|_| FetchError::Stopped)?;
            wait.await.map_err(|_| FetchError::Stopped)?;
        }
        let _gone = fs::remove_file(part.file(&self.folder));
        if self.lacks(part)? {
            tracing::warn!(part = part.number, "a file brought less than it should");
            self.useless.insert(part.number);
        }
        Ok(())
    }

    fn upto(&self, part: &Part) -> Result<u64, FetchError> {
        let Some(log) = part.log() else { return Ok(0) };
        let state = self.shop.readers.with(|it| it.tables().log(log));
        let state = state.map_err(|it| FetchError::Ledger {
            message: chain(&it),
        })?;
        Ok(state.map_or(0, |it| it.upto.0))
    }

    fn lacks(&self, part: &Part) -> Result<bool, FetchError> {
        Ok(self.upto(part)? < part.last)
    }

    /// What the pages show.
    fn progress(&self, list: &List) -> Result<(), FetchError> {
        let mut status = BootstrapStatus::default();
        for part in &list.parts {
            let upto = self.upto(part)?;
            let all = (part.last + 1).saturating_sub(part.first);
            status.documents += all;
            status.held += (upto + 1).saturating_sub(part.first).min(all);
        }
        self.shop.sync.send_modify(|it| it.bootstrap = Some(status));
        self.shop.ring_pages();
        Ok(())
    }
}

async fn fetch_list(url: &str) -> Result<List, FetchError> {
    let error = |source| FetchError::Download {
        url: url.to_owned(),
        source,
    };
    let client = platform::http_client(url).map_err(error)?;
    let answer = client.get(url).send().await.map_err(error)?;
    let mut answer = answer.error_for_status().map_err(error)?;
    let mut text = Vec::new();
    while let Some(piece) = answer.chunk().await.map_err(error)? {
        text.extend_from_slice(&piece);
        if text.len() > LIST_BYTES_MAX {
            return Err(FetchError::List(None));
        }
    }
    let list: List = serde_json::from_slice(&text).map_err(|it| FetchError::List(Some(it)))?;
    if list.format != FORMAT {
        return Err(FetchError::List(None));
    }
    Ok(list)
}

/// A part's content, once its hash is right. Goes on where an earlier try ended.
async fn fetch(list: &str, part: &Part, folder: &Path) -> Result<Vec<u8>, FetchError> {
    let number = part.number;
    let failed = |source| FetchError::File {
        number,
        folder: folder.to_owned(),
        source,
    };
    platform::files::private_folder(folder).map_err(failed)?;
    let path = part.file(folder);
    let mut held = fs::metadata(&path).map_or(0, |it| it.len());
    if held > part.bytes {
        fs::remove_file(&path).map_err(failed)?;
        held = 0;
    }
    while held < part.bytes {
        let before = held;
        held = download(list, part, &path, held, folder).await?;
        if held <= before {
            break;
        }
    }
    let (file, sha256) = (path.clone(), part.sha256.to_ascii_lowercase());
    let read = tokio::task::spawn_blocking(move || checked(&file, &sha256)).await;
    let read = read.map_err(|_| FetchError::Stopped)?.map_err(failed)?;
    read.ok_or_else(|| {
        // Kept, it would only be found wrong again.
        let _gone = fs::remove_file(&path);
        FetchError::Hash { number }
    })
}

/// One request; gives how many bytes of the part are there now.
async fn download(
    list: &str,
    part: &Part,
    path: &Path,
    held: u64,
    folder: &Path,
) -> Result<u64, FetchError> {
    let url = format!("{list}/{}", part.number);
    let error = |source| FetchError::Download {
        url: url.clone(),
        source,
    };
    let failed = |source| FetchError::File {
        number: part.number,
        folder: folder.to_owned(),
        source,
    };
    let client = platform::http_client(&url).map_err(error)?;
    let asked = client
        .get(&url)
        .header("range", format!("bytes={held}-"))
        .header("if-range", format!("\"{}\"", part.sha256));
    let answer = asked.send().await.map_err(error)?;
    let mut answer = answer.error_for_status().map_err(error)?;
    let goes_on = answer.status() == reqwest::StatusCode::PARTIAL_CONTENT;
    let mut held = if goes_on { held } else { 0 };
    let mut file = open(path, held).map_err(failed)?;
    while let Some(piece) = answer.chunk().await.map_err(error)? {
        held = held.saturating_add(piece.len() as u64);
        if held > part.bytes {
            let _gone = fs::remove_file(path);
            return Err(FetchError::Hash {
                number: part.number,
            });
        }
        file.write_all(&piece).map_err(failed)?;
    }
    Ok(held)
}

/// The file, ready to be gone on with after some bytes.
fn open(path: &Path, held: u64) -> io::Result<File> {
    let file = OpenOptions::new().append(true).create(true).open(path)?;
    file.set_len(held)?;
    Ok(file)
}

fn checked(path: &Path, sha256: &str) -> io::Result<Option<Vec<u8>>> {
    let content = fs::read(path)?;
    let hash = Sha256::digest(&content);
    let hash: String = hash.iter().map(|it| format!("{it:02x}")).collect();
    Ok((hash == sha256).then_some(content))
}

/// The frames of a part; ends at the first length that makes no sense.
fn frames(mut content: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let (length, rest) = content.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        let (frame, rest) = rest.split_at_checked(length)?;
        content = rest;
        (length <= FRAME_BYTES_MAX).then_some(frame)
    })
}

#[cfg(test)]
mod tests;
