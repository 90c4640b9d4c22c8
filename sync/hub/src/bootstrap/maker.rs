//! Makes the parts that a store lacks, one at a time and one request after the other.
//!
//! Each part is read at a moment of its own, so that a large store holds neither a connection nor
//! the database's log for long. A crash leaves at most a file that no list names; it is overwritten.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest as _, Sha256};
use shelf_replica::hub;
use shelf_replica::store::{LogId, LogState};
use shelf_stock::identity::Seq;
use tokio::sync::Mutex;

use super::list::{List, Part};
use super::part::{self, Made};
use super::{GROWTH_DOCUMENTS_MIN, PARTS_MADE_MAX, PARTS_MAX, RETIRED_PARTS_MAX};
use crate::platform::{self, FileError};
use crate::readers::{ReadError, Readers};
use crate::storage::{Shop, StorageError, StoreKey, View};

/// The parts could not be made.
#[derive(Debug, thiserror::Error)]
pub enum MakeError {
    /// The database can't be read.
    #[error("a store's documents can't be read: {0}")]
    Read(#[source] ReadError),
    /// The same, in the middle.
    #[error("a store's documents can't be read: {0}")]
    Storage(#[from] StorageError),
    /// A file can't be written.
    #[error("a file of a store's documents can't be written: is the hub's disk full?")]
    File(#[from] FileError),
}

/// What a PC is told.
#[derive(Clone, Debug)]
pub struct Told {
    /// SHA-256 over the public keys of the store's PCs.
    pub roster_sha256: [u8; 32],
    /// Each log and up to where it is here.
    pub logs: Vec<LogState>,
    /// Whether everything that can be in parts is.
    pub complete: bool,
    /// The parts.
    pub parts: Vec<Part>,
}

/// Makes parts. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Maker {
    readers: Readers,
    directory: PathBuf,
    /// Where numbers begin in a directory without a list.
    first_number: u64,
    turn: Arc<Mutex<()>>,
}

/// What to make next.
enum Next {
    Part(Box<Made>, Option<u64>),
    Nothing,
}

impl Maker {
    /// Makes parts in a directory. `first_number` must be above every number that an earlier list
    /// of it, since deleted, may have given: milliseconds since 1970 will do.
    #[must_use]
    pub fn new(readers: Readers, directory: PathBuf, first_number: u64) -> Self {
        Self {
            readers,
            directory,
            first_number,
            turn: Arc::default(),
        }
    }

    /// The parts of a store, some of them made now; `None` for an unknown store.
    pub async fn list(&self, store: &str) -> Result<Option<Told>, MakeError> {
        let Some(key) = self.key(store).await? else {
            return Ok(None);
        };
        let turn = self.turn.lock().await;
        let mut complete = false;
        for _ in 0..PARTS_MADE_MAX {
            let (directory, first_number) = (self.of(key), self.first_number);
            let made = self.readers.read(move |view| {
                let shop = view.shop(key);
                let mut list = List::load(&directory, first_number);
                forget_untrue(&shop, &mut list)?;
                let next = next(&shop, &list)?;
                let Next::Part(made, before) = next else {
                    return Ok(true);
                };
                keep(&directory, &mut list, *made, before)?;
                Ok::<_, MakeError>(false)
            });
            complete = made.await.map_err(MakeError::Read)??;
            if complete {
                break;
            }
        }
        let (directory, first_number) = (self.of(key), self.first_number);
        let told = self.readers.query(move |view| {
            let list = List::load(&directory, first_number);
            told(view, key, list, complete)
        });
        let told = told.await.map_err(MakeError::Read)?;
        drop(turn);
        Ok(Some(told))
    }

    /// A part that was listed, and where its file is.
    pub async fn part(
        &self,
        store: &str,
        number: u64,
    ) -> Result<Option<(Part, PathBuf)>, MakeError> {
        let (name, maker) = (store.to_owned(), self.clone());
        let found = self.readers.query(move |view| {
            let Some(key) = view.store_named(&name)? else {
                return Ok(None);
            };
            let directory = maker.of(key);
            let list = List::load(&directory, maker.first_number);
            let part = list.part(number).cloned();
            Ok(part.map(|it| (it, path(&directory, number))))
        });
        found.await.map_err(MakeError::Read)
    }

    async fn key(&self, store: &str) -> Result<Option<StoreKey>, MakeError> {
        let name = store.to_owned();
        let key = self.readers.query(move |view| view.store_named(&name));
        key.await.map_err(MakeError::Read)
    }

    fn of(&self, store: StoreKey) -> PathBuf {
        self.directory.join(store.0.to_string())
    }
}

fn told(
    view: &dyn View,
    store: StoreKey,
    list: List,
    complete: bool,
) -> Result<Told, StorageError> {
    let shop = view.shop(store);
    let mut hash = Sha256::new();
    for key in hub::roster(&*shop)?.keys {
        hash.update(key.as_bytes());
    }
    Ok(Told {
        roster_sha256: hash.finalize().into(),
        logs: shop.logs()?,
        complete,
        parts: list.parts,
    })
}

/// A restored database may lack what parts of a log end with: then they are made anew.
fn forget_untrue(shop: &Shop<'_>, list: &mut List) -> Result<(), StorageError> {
    let mut untrue: Vec<LogId> = Vec::new();
    for (index, it) in list.parts.iter().enumerate() {
        let log = it.log();
        let is_last = list.parts.get(index + 1).and_then(Part::log) != log;
        match log {
            Some(log) if is_last && !part::is_true(shop, log, it)? => untrue.push(log),
            _ => {}
        }
    }
    list.parts
        .retain(|it| it.log().is_some_and(|log| !untrue.contains(&log)));
    Ok(())
}

/// The first part that is lacking, or whose log has grown so much that it gets a successor.
fn next(shop: &Shop<'_>, list: &List) -> Result<Next, StorageError> {
    for state in shop.logs()? {
        let last = list.parts.iter().rev();
        let last = last.clone().find(|it| it.log() == Some(state.log));
        let grown = last.map_or(state.upto.0, |it| state.upto.0.saturating_sub(it.last));
        let (after, before) = match last {
            None => (Seq(0), None),
            Some(last) if last.full => (last.end(), None),
            Some(last) if grown >= GROWTH_DOCUMENTS_MIN => {
                (Seq(last.first.saturating_sub(1)), Some(last.number))
            }
            Some(_) => continue,
        };
        let room = before.is_some() || list.parts.len() < PARTS_MAX;
        if grown == 0 || !room {
            continue;
        }
        if let Some(made) = part::make(shop, &state, after)?
            && last.is_none_or(|it| made.part.last > it.last)
        {
            return Ok(Next::Part(Box::new(made), before));
        }
    }
    Ok(Next::Nothing)
}

/// Writes a part, then the list that names it, then removes what is no longer named.
fn keep(
    directory: &Path,
    list: &mut List,
    made: Made,
    before: Option<u64>,
) -> Result<(), FileError> {
    let Made { mut part, content } = made;
    part.number = list.next;
    list.next += 1;
    platform::create_directory(directory)?;
    platform::write_whole(&path(directory, part.number), &content)?;
    let (gone, mut parts) = std::mem::take(&mut list.parts)
        .into_iter()
        .partition::<Vec<_>, _>(|it| Some(it.number) == before);
    parts.push(part);
    parts.sort_by_key(|it| (it.log(), it.first));
    list.parts = parts;
    list.retired.extend(gone);
    let old = list.retired.len().saturating_sub(RETIRED_PARTS_MAX);
    let removed: Vec<Part> = list.retired.drain(..old).collect();
    list.save(directory)?;
    for part in removed {
        match platform::remove(&path(directory, part.number)) {
            Err(error) if !error.is_missing() => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

fn path(directory: &Path, number: u64) -> PathBuf {
    directory.join(format!("{number:016}.part"))
}
