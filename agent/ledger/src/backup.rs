//! Backups: taken online in small steps, verified, stripped of identity; and putting one back.
//!
//! A backup is a complete database that any PC may open: it has no key, so whoever opens it is a
//! new node with a new incarnation, and can never write into a place that was used (DESIGN,
//! section 5). It is written beside its name and moved there when it is verified and durable: a
//! file with the asked name is always a good one.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OptionalExtension as _};
use shelf_replica::store::Store as _;
use shelf_stock::fold::Rules;
use shelf_stock::identity::{Head, Place, Seq};
use shelf_wire::key::NodeKey;

use crate::check;
use crate::connection::open_reader;
use crate::files::{self, Found, Paths};
use crate::open::Ledger;
use crate::schema;
use crate::tables::{StoreKey, TableError, Tables};

/// Pages copied at a time; between two steps the writer goes first.
const STEP_PAGES: i32 = 100;
/// How long to wait between two steps, in milliseconds.
const STEP_PAUSE_MS: u64 = 5;
/// Documents between two signatures of an identity that ends; a batch ends at one of them.
const SIGNED_EVERY_DOCUMENTS: u64 = 25;

/// What a backup holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackupReport {
    /// The file.
    pub path: PathBuf,
    /// Its size in bytes.
    pub bytes: u64,
    /// Documents in it.
    pub documents: u64,
}

/// A backup can't be made or put back.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// A file can't be used.
    #[error("can't {what} {path}: {source}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// With which file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// SQLite said no.
    #[error("the backup {path} failed: {source}")]
    Sqlite {
        /// Which backup.
        path: PathBuf,
        /// Why.
        source: rusqlite::Error,
    },
    /// The copy is not sound.
    #[error("the backup {path} is not sound and was not kept: {finding}")]
    Unsound {
        /// Which backup.
        path: PathBuf,
        /// The first thing that was found.
        finding: String,
    },
    /// There is something where the ledger is to be put.
    #[error(
        "{path} has a ledger already: move that directory aside first, nothing is ever overwritten"
    )]
    Occupied {
        /// The directory.
        path: PathBuf,
    },
    /// Another process uses the directory.
    #[error("{path} is in use by another process: stop it first")]
    Locked {
        /// The directory.
        path: PathBuf,
    },
    /// The tables of the copy can't be read.
    #[error("the backup {path} can't be read: {source}")]
    Table {
        /// Which backup.
        path: PathBuf,
        /// Why.
        source: TableError,
    },
}

impl Ledger {
    /// Copies the ledger to `to`, replacing an older backup of that name when the new one is
    /// verified and durable. Runs on this thread and may take seconds; trading goes on.
    pub fn backup(&self, to: &Path) -> Result<BackupReport, BackupError> {
        let unfinished = beside(to);
        let io = |what| move |source| failed(what, to, source);
        files::remove(&unfinished).map_err(io("remove"))?;
        files::new_file(&unfinished).map_err(io("make"))?;
        let made = self.copy(to, &unfinished).and_then(|documents| {
            files::publish(&unfinished, to).map_err(io("finish"))?;
            let bytes = files::length(to).map_err(io("look at"))?;
            Ok(BackupReport {
                path: to.to_owned(),
                bytes,
                documents,
            })
        });
        if made.is_err() {
            // What is half made must not look like a backup; the first error is the one to tell.
            drop(files::remove(&unfinished));
        }
        made
    }

    fn copy(&self, to: &Path, unfinished: &Path) -> Result<u64, BackupError> {
        let sqlite = |source| BackupError::Sqlite {
            path: to.to_owned(),
            source,
        };
        let from = open_reader(&self.paths().database()).map_err(sqlite)?;
        let mut copy = Connection::open(unfinished).map_err(sqlite)?;
        copy_steps(&from, &mut copy).map_err(sqlite)?;
        drop(from);
        strip(&copy).map_err(sqlite)?;
        let documents = verify(&copy, self.store(), to)?;
        copy.close().map_err(|(_, source)| sqlite(source))?;
        Ok(documents)
    }
}

fn copy_steps(from: &Connection, copy: &mut Connection) -> rusqlite::Result<()> {
    let steps = Backup::new(from, copy)?;
    // One read of the source's state: a backup that starts again at each commit never ends.
    from.execute_batch("BEGIN; SELECT count(*) FROM sqlite_schema;")?;
    loop {
        match steps.step(STEP_PAGES)? {
            StepResult::Done => break,
            StepResult::More | StepResult::Busy | StepResult::Locked => pause(),
            _ => {}
        }
    }
    Ok(())
}

#[allow(
    clippy::disallowed_methods,
    reason = "a rest between two steps, not a wait for an event: nothing depends on its length"
)]
fn pause() {
    std::thread::sleep(Duration::from_millis(STEP_PAUSE_MS));
}

/// Takes the identity out, so that no byte of the key stays in the file.
fn strip(copy: &Connection) -> rusqlite::Result<()> {
    copy.pragma_update(None, "journal_mode", "DELETE")?;
    copy.pragma_update(None, "secure_delete", true)?;
    copy.execute_batch("DELETE FROM identity; DELETE FROM replica_state; VACUUM;")
}

fn verify(copy: &Connection, store: StoreKey, path: &Path) -> Result<u64, BackupError> {
    let tables = Tables::new(copy, store, Rules::default());
    let report = check::deep(&tables).map_err(|source| BackupError::Table {
        path: path.to_owned(),
        source,
    })?;
    match report.findings.into_iter().next() {
        None => Ok(report.documents),
        Some(finding) => Err(BackupError::Unsound {
            path: path.to_owned(),
            finding,
        }),
    }
}

/// Puts a backup into a directory that has no ledger. The next opening makes a new identity and
/// a new incarnation; what the hub and the other PCs have and the backup lacks comes from them.
pub fn restore(backup: &Path, dir: &Path) -> Result<(), BackupError> {
    let paths = Paths::new(dir);
    let io = |what| move |source| failed(what, dir, source);
    paths.make_dir().map_err(io("make"))?;
    let lock = paths.try_lock().map_err(io("lock"))?;
    let Some(_lock) = lock else {
        return Err(BackupError::Locked {
            path: dir.to_owned(),
        });
    };
    if paths.look().map_err(io("look at"))? != Found::Nothing {
        return Err(BackupError::Occupied {
            path: dir.to_owned(),
        });
    }
    let sqlite = |source| BackupError::Sqlite {
        path: backup.to_owned(),
        source,
    };
    paths.begin_database().map_err(io("make"))?;
    let from = open_reader(backup).map_err(sqlite)?;
    let mut copy = Connection::open(paths.unfinished()).map_err(sqlite)?;
    copy_steps(&from, &mut copy).map_err(sqlite)?;
    let (application, _) = schema::stamp(&copy).map_err(sqlite)?;
    let mut findings = check::quick(&copy)
        .map_err(|source| BackupError::Table {
            path: backup.to_owned(),
            source,
        })?
        .findings;
    if application != schema::APPLICATION_ID {
        findings.push("it is a database of another program".to_owned());
    }
    if let Some(finding) = findings.into_iter().next() {
        return Err(BackupError::Unsound {
            path: backup.to_owned(),
            finding,
        });
    }
    strip(&copy).map_err(sqlite)?;
    copy.pragma_update(None, "journal_mode", "WAL")
        .map_err(sqlite)?;
    copy.close().map_err(|(_, source)| sqlite(source))?;
    paths.finish_database().map_err(io("finish"))
}

/// Takes the identity out of a ledger that no process has open: the next opening makes a new one.
/// What was written under the old identity stays, as another PC's log.
pub fn forget_identity(dir: &Path) -> Result<(), BackupError> {
    let paths = Paths::new(dir);
    let lock = paths
        .try_lock()
        .map_err(|source| failed("lock", dir, source))?;
    let Some(_lock) = lock else {
        return Err(BackupError::Locked {
            path: dir.to_owned(),
        });
    };
    let sqlite = |source| BackupError::Sqlite {
        path: paths.database(),
        source,
    };
    let ledger = Connection::open(paths.database()).map_err(sqlite)?;
    sign_last_words(&ledger).map_err(|source| BackupError::Table {
        path: paths.database(),
        source,
    })?;
    ledger
        .pragma_update(None, "secure_delete", true)
        .map_err(sqlite)?;
    ledger
        .execute_batch("BEGIN IMMEDIATE; DELETE FROM identity; DELETE FROM replica_state; COMMIT;")
        .map_err(sqlite)
}

/// Signs what was written under an identity that ends: its key is gone afterwards, and a document
/// that nobody signed can't be sent to anybody.
fn sign_last_words(ledger: &Connection) -> Result<(), TableError> {
    let seed = ledger.query_row("SELECT key_seed FROM identity", [], |row| row.get(0));
    let Some(seed) = seed.optional()? else {
        return Ok(());
    };
    let key = NodeKey::from_seed(seed);
    let mut statement = ledger.prepare("SELECT DISTINCT store FROM author")?;
    let stores = statement.query_map([], |row| row.get(0))?;
    for store in stores.collect::<Result<Vec<i64>, _>>()? {
        let mut tables = Tables::new(ledger, StoreKey(store), Rules::default());
        for (author, node, _) in tables.authors()? {
            let end = tables.tail(author)?.filter(|_| node == key.node_id());
            let Some((Head { place, .. }, _)) = end else {
                continue;
            };
            for seq in (1..=place.seq.0).map(Seq) {
                if seq.0 % SIGNED_EVERY_DOCUMENTS != 0 && seq != place.seq {
                    continue;
                }
                let place = Place { seq, ..place };
                if let Some(digest) = tables.digest_at(place)? {
                    tables.put_signed_head(&key.sign_head(&Head { place, digest }))?;
                }
            }
        }
    }
    Ok(())
}

fn beside(to: &Path) -> PathBuf {
    let mut name = to.as_os_str().to_owned();
    name.push(".new");
    PathBuf::from(name)
}

fn failed(what: &'static str, path: &Path, source: io::Error) -> BackupError {
    BackupError::Io {
        what,
        path: path.to_owned(),
        source,
    }
}
