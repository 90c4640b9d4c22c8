//! The catalogue comes down: a hint names a revision, its file comes over HTTP, the items go into
//! the ledger in pieces that never hold a sale up.
//!
//! Not a byte of the file is used before its hash is the hint's. Items that did not change are
//! left alone; the revision is noted last, so that a crash in the middle only means doing it
//! again. A code keeps its old item until its own piece is in: never none.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Read as _};
use std::sync::Arc;

use sha2::{Digest as _, Sha256};
use shelf_ledger::Tx;
use shelf_ledger::tables::TableError;
use shelf_stock::item::Item;
use shelf_stock::name::ItemId;

use super::counter::chain;
use super::shop::Shop;
use crate::platform;

/// The most bytes that a catalogue's file may have.
const FILE_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// The most bytes that it may unpack to.
const UNPACKED_BYTES_MAX: u64 = 4 * FILE_BYTES_MAX;
/// Items in one piece: about a millisecond of the writer's time.
const PIECE_ITEMS: usize = 50;
/// Item numbers read at once when looking for those that went.
const IDS_AT_ONCE: usize = 1000;

/// Where a revision is and how it is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Revision {
    /// Its number.
    pub(crate) number: u64,
    /// Below the hub's address.
    pub(crate) path: String,
    /// SHA-256 of its file.
    pub(crate) sha256: [u8; 32],
}

/// A revision could not be taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CatalogueError {
    /// Nobody said where the hub is.
    #[error("the hub has a catalogue, but `hub.url` is not set")]
    NoUrl,
    /// The download.
    #[error("the catalogue can't be downloaded from {url}")]
    Download {
        /// From where.
        url: String,
        /// Why.
        #[source]
        source: reqwest::Error,
    },
    /// It is not the file that the hint named.
    #[error("the catalogue's file is not the one that the hub announced: it was not used")]
    Hash,
    /// Too large.
    #[error("the catalogue's file is larger than {FILE_BYTES_MAX} bytes")]
    TooLarge,
    /// It can't be unpacked or read.
    #[error("line {line} of the catalogue can't be read: {message}")]
    Line {
        /// Which.
        line: usize,
        /// Why.
        message: String,
    },
    /// The ledger.
    #[error("the ledger took no catalogue: {message}")]
    Ledger {
        /// Why.
        message: String,
    },
}

/// Downloads a revision and puts it into the ledger. Says how many items changed.
pub(crate) async fn take(shop: Arc<Shop>, revision: Revision) -> Result<usize, CatalogueError> {
    let base = shop
        .config
        .hub
        .url
        .as_deref()
        .ok_or(CatalogueError::NoUrl)?;
    let url = format!(
        "{}/{}",
        base.trim_end_matches('/'),
        revision.path.trim_start_matches('/')
    );
    let file = download(&url).await?;
    if file.1 != revision.sha256 {
        return Err(CatalogueError::Hash);
    }
    let put = move || put(&shop, &file.0, revision.number);
    let failed = |_| CatalogueError::Ledger {
        message: "it panicked".into(),
    };
    tokio::task::spawn_blocking(put).await.map_err(failed)?
}

async fn download(url: &str) -> Result<(Vec<u8>, [u8; 32]), CatalogueError> {
    let error = |source| CatalogueError::Download {
        url: url.to_owned(),
        source,
    };
    let client = platform::http_client(url).map_err(error)?;
    let answer = client.get(url).send().await.map_err(error)?;
    let mut answer = answer.error_for_status().map_err(error)?;
    let mut file = Vec::new();
    let mut hash = Sha256::new();
    while let Some(piece) = answer.chunk().await.map_err(error)? {
        if (file.len() + piece.len()) as u64 > FILE_BYTES_MAX {
            return Err(CatalogueError::TooLarge);
        }
        hash.update(&piece);
        file.extend_from_slice(&piece);
    }
    Ok((file, hash.finalize().into()))
}

fn put(shop: &Shop, file: &[u8], revision: u64) -> Result<usize, CatalogueError> {
    let line_error = |line, message: String| CatalogueError::Line { line, message };
    let unpacked = zstd::Decoder::new(file).map_err(|it| line_error(0, it.to_string()))?;
    let lines = BufReader::new(unpacked.take(UNPACKED_BYTES_MAX)).lines();
    let mut known = BTreeSet::new();
    let mut piece = Vec::new();
    let mut changed = 0;
    // The first line names format and number of items.
    for (index, line) in lines.enumerate().skip(1) {
        let line = line.map_err(|it| line_error(index + 1, it.to_string()))?;
        let item: Item =
            serde_json::from_str(&line).map_err(|it| line_error(index + 1, it.to_string()))?;
        known.insert(item.id.clone());
        if !is_same(shop, &item)? {
            piece.push(item);
        }
        if piece.len() == PIECE_ITEMS {
            changed += piece.len();
            write(shop, std::mem::take(&mut piece))?;
        }
    }
    changed += piece.len();
    write(shop, piece)?;
    let gone = gone(shop, &known)?;
    changed += gone.len();
    for piece in gone.chunks(PIECE_ITEMS) {
        let piece = piece.to_vec();
        run(shop, move |tx| tx.catalogue_remove(&piece))?;
    }
    run(shop, move |tx| tx.set_catalogue_revision(revision))?;
    Ok(changed)
}

fn is_same(shop: &Shop, item: &Item) -> Result<bool, CatalogueError> {
    let held = shop.readers.with(|it| it.item(&item.id));
    Ok(held
        .map_err(|it| ledger(&it))?
        .is_some_and(|it| it == *item))
}

fn gone(shop: &Shop, known: &BTreeSet<ItemId>) -> Result<Vec<ItemId>, CatalogueError> {
    let mut gone = Vec::new();
    let mut after: Option<ItemId> = None;
    loop {
        let page = shop
            .readers
            .with(|it| it.catalogue_ids(after.as_ref(), IDS_AT_ONCE));
        let page = page.map_err(|it| ledger(&it))?;
        let Some(last) = page.last().cloned() else {
            return Ok(gone);
        };
        gone.extend(page.into_iter().filter(|it| !known.contains(it)));
        after = Some(last);
    }
}

fn write(shop: &Shop, items: Vec<Item>) -> Result<(), CatalogueError> {
    run(shop, move |tx| tx.catalogue_put(&items))
}

fn run(
    shop: &Shop,
    job: impl FnMut(&mut Tx<'_>) -> Result<(), TableError> + Send + 'static,
) -> Result<(), CatalogueError> {
    shop.writer
        .execute_blocking("catalogue", job)
        .wait()
        .map_err(|it| ledger(&it))
}

fn ledger(error: &dyn std::error::Error) -> CatalogueError {
    CatalogueError::Ledger {
        message: chain(error),
    }
}
