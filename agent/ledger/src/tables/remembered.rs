//! Words remembered outside of the database, because looking one up costs as much as writing a row.
//!
//! A word that was committed never changes its number and is never deleted, so every connection
//! may share what one of them saw ([`Committed`]). What a transaction sees or adds may still be
//! undone: it stays with the transaction's connection ([`Words`]) until the commit, and must never
//! be shared before.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

/// Words remembered at most; beyond, remembering begins anew. 4.3 MiB if so many are in use.
pub const WORDS_REMEMBERED_MAX: usize = 114_688;

/// Bytes of the longest text that is remembered; longer ones are looked up.
const TEXT_BYTES_MAX: usize = 23;
/// A transaction that met more words than this gives their memory back.
const FRESH_KEPT_MAX: usize = 1_024;

/// A short text with its length, in one piece of memory with its neighbours.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Short([u8; TEXT_BYTES_MAX + 1]);

impl Short {
    fn new(text: &str) -> Option<Self> {
        let mut bytes = [0; TEXT_BYTES_MAX + 1];
        let length = u8::try_from(text.len()).ok()?;
        let (last, start) = bytes.split_last_mut()?;
        start
            .get_mut(..text.len())?
            .copy_from_slice(text.as_bytes());
        *last = length;
        Some(Self(bytes))
    }
}

/// Numbers of words that are in the database for good, shared by all its connections.
#[derive(Default)]
pub struct Committed(RwLock<HashMap<Short, i64>>);

impl Committed {
    /// Forgets all: the database was opened again because it is in doubt.
    pub fn forget(&self) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = HashMap::new();
    }

    fn get(&self, text: Short) -> Option<i64> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        known.get(&text).copied()
    }

    fn put(&self, words: impl Iterator<Item = (Short, i64)>) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        for (text, key) in words {
            if known.len() >= WORDS_REMEMBERED_MAX {
                known.clear();
            }
            known.insert(text, key);
        }
    }
}

impl fmt::Debug for Committed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Committed").finish_non_exhaustive()
    }
}

/// The words of one connection: those that are shared, and those of its running transaction.
#[derive(Debug, Default)]
pub struct Words {
    committed: Arc<Committed>,
    fresh: RefCell<Fresh>,
    /// The word asked for last: a movement asks for its item again and again.
    last: Last,
    only_reads: bool,
}

#[derive(Default)]
struct Fresh(HashMap<Short, i64>);

#[derive(Default)]
struct Last(Cell<Option<(Short, i64)>>);

impl fmt::Debug for Last {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Last").finish_non_exhaustive()
    }
}

impl fmt::Debug for Fresh {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fresh").finish_non_exhaustive()
    }
}

impl Words {
    /// Of a connection that writes. Its holder calls [`Words::settle`] after a commit and
    /// [`Words::forget`] after whatever undoes something.
    pub fn of_writer(committed: Arc<Committed>) -> Self {
        Self {
            committed,
            ..Self::default()
        }
    }

    /// Of a connection that only reads: what it sees is committed.
    pub fn of_reader(committed: Arc<Committed>) -> Self {
        Self {
            committed,
            only_reads: true,
            ..Self::default()
        }
    }

    /// The transaction was committed: its words are everybody's.
    pub fn settle(&self) {
        let mut fresh = self.fresh.borrow_mut();
        if !fresh.0.is_empty() {
            self.committed.put(fresh.0.drain());
        }
        if fresh.0.capacity() > FRESH_KEPT_MAX {
            *fresh = Fresh::default();
        }
    }

    /// The transaction or a part of it was undone: a word that it had added is gone, and its
    /// number will be another word's.
    pub fn forget(&self) {
        self.last.0.set(None);
        *self.fresh.borrow_mut() = Fresh::default();
    }

    /// Forgets what is shared as well: the database was opened again because it is in doubt.
    pub fn forget_all(&self) {
        self.forget();
        self.committed.forget();
    }

    pub(super) fn get(&self, text: &str) -> Option<i64> {
        let text = Short::new(text)?;
        if let Some((last, key)) = self.last.0.get()
            && last == text
        {
            return Some(key);
        }
        let fresh = self.fresh.borrow().0.get(&text).copied();
        let key = fresh.or_else(|| self.committed.get(text))?;
        self.last.0.set(Some((text, key)));
        Some(key)
    }

    pub(super) fn remember(&self, text: &str, key: i64) {
        let Some(text) = Short::new(text) else {
            return;
        };
        if self.only_reads {
            return self.committed.put([(text, key)].into_iter());
        }
        let mut fresh = self.fresh.borrow_mut();
        if fresh.0.len() >= WORDS_REMEMBERED_MAX {
            fresh.0.clear();
        }
        fresh.0.insert(text, key);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{Committed, Words};

    #[test]
    fn what_is_undone_is_forgotten_and_what_is_committed_is_shared() {
        let committed = Arc::new(Committed::default());
        let writer = Words::of_writer(Arc::clone(&committed));
        let reader = Words::of_reader(committed);
        writer.remember("undone", 1);
        assert_eq!(
            (writer.get("undone"), reader.get("undone")),
            (Some(1), None)
        );
        writer.forget();
        assert_eq!(writer.get("undone"), None);
        writer.remember("kept", 1);
        writer.settle();
        writer.forget();
        assert_eq!((writer.get("kept"), reader.get("kept")), (Some(1), Some(1)));
        reader.remember("seen", 2);
        assert_eq!(writer.get("seen"), Some(2));
        let long = "a text of more than 23 bytes";
        writer.remember(long, 3);
        assert_eq!(writer.get(long), None);
        assert_eq!(writer.get("kept\0"), None);
    }
}
