//! Disks: a storage as of its last commit, in memory or in real tables.
//!
//! A machine works in a transaction that is committed or lost; a crash keeps what was committed.
//! An *image* is a copy as of the last commit: what a backup, a restored disk or a cloned one is.

use std::collections::BTreeSet;

use shelf_replica::memory::MemoryStore;
use shelf_replica::store::Store;
use shelf_stock::identity::{Digest, Place};
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
