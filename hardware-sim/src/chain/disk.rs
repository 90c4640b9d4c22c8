//! Disks: a storage as of its last commit, in memory or in real tables.
//!
//! A machine works in a transaction that is committed or lost; a crash keeps what was committed.
//! An *image* is a copy as of the last commit: what a backup, a restored disk or a cloned one is.

use std::collections::BTreeSet;

use shelf_ledger::in_memory::InMemory;
use shelf_ledger::tables::TableError;
use shelf_replica::memory::MemoryStore;
use shelf_replica::store::{ReadLimits, Store};
use shelf_stock::identity::{Digest, Place, Seq};
use shelf_stock::name::ItemId;

use super::violation::Violation;

/// What becomes of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is committed.
    Committed,
    /// The process dies before its commit: nothing of it stays.
    Lost,
}

/// A storage that survives crashes.
pub trait Disk: Sized {
    /// Why the storage failed; a failure is a violation.
    type Error: std::error::Error + Send + Sync + 'static;

    /// A new one.
    fn empty() -> Result<Self, Violation>;

    /// A copy as of the last commit.
    fn image(&self) -> Result<Self, Violation>;

    /// Looks into it.
    fn read<R>(
        &self,
        look: impl FnOnce(&dyn Store<Error = Self::Error>) -> Result<R, Self::Error>,
    ) -> Result<R, Violation>;

    /// One transaction.
    fn transact<R>(
        &mut self,
        fate: Fate,
        work: impl FnOnce(&mut dyn Store<Error = Self::Error>) -> Result<R, Self::Error>,
    ) -> Result<R, Violation>;

    /// Items whose stock changed since this was asked last; `None`: it can't say.
    fn take_changed(&mut self) -> Option<Vec<ItemId>>;

    /// Every stored document's place and digest.
    fn documents(&self) -> Result<BTreeSet<(Place, Digest)>, Violation>;

    /// Balances, counts and variances as text, byte-equal for equal sets of documents.
    fn dump(&self) -> Result<String, Violation>;
}

impl Disk for MemoryStore {
    type Error = std::convert::Infallible;

    fn empty() -> Result<Self, Violation> {
        Ok(Self::new())
    }

    fn image(&self) -> Result<Self, Violation> {
        Ok(self.clone())
    }

    fn read<R>(
        &self,
        look: impl FnOnce(&dyn Store<Error = Self::Error>) -> Result<R, Self::Error>,
    ) -> Result<R, Violation> {
        look(self).map_err(Violation::storage)
    }

    fn transact<R>(
        &mut self,
        fate: Fate,
        work: impl FnOnce(&mut dyn Store<Error = Self::Error>) -> Result<R, Self::Error>,
    ) -> Result<R, Violation> {
        match fate {
            Fate::Committed => work(self),
            Fate::Lost => work(&mut self.clone()),
        }
        .map_err(Violation::storage)
    }

    fn take_changed(&mut self) -> Option<Vec<ItemId>> {
        Some(Self::take_changed(self))
    }

    fn documents(&self) -> Result<BTreeSet<(Place, Digest)>, Violation> {
        Ok(Self::documents(self))
    }

    fn dump(&self) -> Result<String, Violation> {
        Ok(self.fold().dump())
    }
}

impl Disk for InMemory {
    type Error = TableError;

    fn empty() -> Result<Self, Violation> {
        Self::new("sim", "shop").map_err(Violation::storage)
    }

    fn image(&self) -> Result<Self, Violation> {
        self.copy().map_err(Violation::storage)
    }

    fn read<R>(
        &self,
        look: impl FnOnce(&dyn Store<Error = TableError>) -> Result<R, TableError>,
    ) -> Result<R, Violation> {
        Self::read(self, |tables| look(tables)).map_err(Violation::storage)
    }

    fn transact<R>(
        &mut self,
        fate: Fate,
        work: impl FnOnce(&mut dyn Store<Error = TableError>) -> Result<R, TableError>,
    ) -> Result<R, Violation> {
        let commit = fate == Fate::Committed;
        Self::transact(self, commit, |tables| work(tables)).map_err(Violation::storage)
    }

    fn take_changed(&mut self) -> Option<Vec<ItemId>> {
        let changed = Self::take_changed(self);
        (!changed).then(Vec::new)
    }

    fn documents(&self) -> Result<BTreeSet<(Place, Digest)>, Violation> {
        let limits = ReadLimits {
            documents_max: 1_000,
            bytes_max: 1 << 24,
        };
        Disk::read(self, |store| {
            let mut all = BTreeSet::new();
            for state in store.logs()? {
                let mut after = Seq(0);
                while after < state.last {
                    let read = store.read(state.log, after, limits)?;
                    all.extend(read.iter().map(|it| (it.place(), it.digest())));
                    // Behind a gap it goes on with the next one that is there.
                    let last = read.last().map_or(after.0 + 1, |it| it.place().seq.0);
                    after = Seq(last);
                }
            }
            Ok(all)
        })
    }

    fn dump(&self) -> Result<String, Violation> {
        Self::read(self, |tables| shelf_stock::fold::dump(tables)).map_err(Violation::storage)
    }
}
