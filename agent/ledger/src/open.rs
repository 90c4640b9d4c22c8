//! Opening a ledger: lock, look, warm the WAL, migrate, verify the chain's end, start the threads.
//!
//! What can't be trusted is refused with words that say what to do; nothing is ever overwritten,
//! truncated or "repaired" on the way. The long checks follow later, in a reader.

mod error;
mod ledger;
mod tail;

use rusqlite::Connection;

use crate::compaction::AUTO_VACUUM_INCREMENTAL;
use crate::connection::{Durability, open_writer};
use crate::files::{DirLock, Found, Paths};
use crate::own::Own;
use crate::schema;
use crate::tables::Tables;
use crate::tx::Setting;

pub(crate) use tail::broken_documents;

pub use error::OpenError;
pub use ledger::{Ledger, OpenOptions, OpenReport};

/// What stands in the directory, made where there was nothing. Says whether it was made.
pub(crate) fn stand(paths: &Paths) -> Result<bool, OpenError> {
    let look = paths.look();
    match look.map_err(|source| OpenError::io("look at", paths.database(), source))? {
        Found::Database => Ok(false),
        Found::Foreign => Err(OpenError::NotALedger {
            path: paths.database(),
        }),
        Found::OrphanWal => Err(OpenError::OrphanWal {
            path: paths.database(),
        }),
        Found::Nothing => create(paths).map(|()| true),
    }
}

/// Makes a database beside its place and moves it there when it is complete and durable.
fn create(paths: &Paths) -> Result<(), OpenError> {
    let made = || OpenError::sqlite("make", paths.unfinished());
    let io = |source| OpenError::io("make", paths.unfinished(), source);
    paths.begin_database().map_err(io)?;
    let mut connection = Connection::open(paths.unfinished()).map_err(made())?;
    connection
        .pragma_update(None, "auto_vacuum", AUTO_VACUUM_INCREMENTAL)
        .map_err(made())?;
    schema::migrate(&mut connection).map_err(made())?;
    connection
        .pragma_update(None, "journal_mode", "WAL")
        .map_err(made())?;
    connection.close().map_err(|(_, error)| made()(error))?;
    paths.finish_database().map_err(io)
}

/// The writer's connection to a database that this program may write.
pub(crate) fn connect(
    paths: &Paths,
    durability: Durability,
) -> Result<(Connection, usize), OpenError> {
    let opened = || OpenError::sqlite("open", paths.database());
    let mut connection = open_writer(&paths.database(), durability).map_err(opened())?;
    let (application, version) = schema::stamp(&connection).map_err(opened())?;
    if application != schema::APPLICATION_ID {
        return Err(OpenError::OtherApplication {
            path: paths.database(),
            found: application,
        });
    }
    if version > schema::SCHEMA_VERSION {
        return Err(OpenError::TooNew {
            path: paths.database(),
            found: version,
            known: schema::SCHEMA_VERSION,
        });
    }
    let migrations = schema::migrate(&mut connection).map_err(opened())?;
    Ok((connection, migrations))
}

/// Opens and verifies the database for the writer; also after a commit has failed.
pub(crate) fn trusted(
    paths: &Paths,
    setting: &Setting,
    durability: Durability,
) -> Result<(Connection, Own), OpenError> {
    let (connection, _) = connect(paths, durability)?;
    let own = {
        let tables = Tables::new(&connection, setting.store, setting.rules);
        tail::verify(&tables, setting.node, &paths.database())?;
        Own::load(&tables, setting.node, setting.clock.wall())
            .map_err(|source| OpenError::table(paths.database(), source))?
    };
    Ok((connection, own))
}

pub(crate) fn lock(paths: &Paths) -> Result<DirLock, OpenError> {
    let io = |source| OpenError::io("lock", paths.lock(), source);
    match paths.try_lock().map_err(io)? {
        Some(lock) => Ok(lock),
        None => Err(OpenError::Locked { path: paths.lock() }),
    }
}
