//! Where logs end, and the note about the first gap of those that have one.

use rusqlite::params;

use super::replica::seq_key;
use super::waiting::Tail;
use super::{DocumentKey, TableError, Tables};

impl Tables<'_> {
    /// Keeps the note about gaps right for a document that is about to be stored.
    pub(super) fn note_gap(&self, key: DocumentKey) -> Result<(), TableError> {
        let (author, seq) = (key.author(), seq_key(key.seq()));
        let Tail { last, noted } = self.end(author)?;
        match noted {
            None if seq == last + 1 => Ok(()),
            None => self.note_upto(author, Some(last)),
            Some(upto) if seq == upto + 1 => {
                let end = self.run_end(author, seq + 1)?;
                let gone = end >= last;
                self.note_upto(author, (!gone).then_some(end))
            }
            Some(_) => Ok(()),
        }
    }

    /// Highest number such that everything from `from` to it is stored; `from - 1` if `from`
    /// itself is not.
    pub(super) fn run_end(&self, author: i64, from: i64) -> Result<i64, TableError> {
        let (base, last) = DocumentKey::range(author);
        let mut statement = self
            .connection
            .prepare_cached("SELECT id FROM document WHERE id BETWEEN ?1 AND ?2 ORDER BY id")?;
        let mut rows = statement.query([base + from, last])?;
        let mut next = from;
        while let Some(row) = rows.next()? {
            if row.get::<_, i64>(0)? != base + next {
                break;
            }
            next += 1;
        }
        Ok(next - 1)
    }

    /// How much of a log is here, read once in a transaction of many documents.
    pub(super) fn end(&self, author: i64) -> Result<Tail, TableError> {
        if let Some(tail) = self.waiting.and_then(|it| it.tail(author)) {
            return Ok(tail);
        }
        let tail = Tail {
            last: self.last_seq(author)?,
            noted: self.noted_upto(author)?,
        };
        if let Some(waiting) = self.waiting {
            waiting.know_tail(author, tail);
        }
        Ok(tail)
    }

    /// Keeps the note about gaps right where a log was closed up to a number.
    pub(super) fn note_closed(&self, author: i64, closed: i64) -> Result<(), TableError> {
        if let Some(waiting) = self.waiting {
            let last = self.last_seq(author)?;
            let noted = self.noted_upto(author)?;
            waiting.know_tail(author, Tail { last, noted });
        }
        match self.noted_upto(author)? {
            Some(noted) if noted <= closed => {
                let end = self.run_end(author, closed + 1)?;
                let gone = end >= self.last_seq(author)?;
                self.note_upto(author, (!gone).then_some(end))
            }
            _ => Ok(()),
        }
    }

    /// The highest number that is here or closed.
    pub(super) fn last_seq(&self, author: i64) -> Result<i64, TableError> {
        let closed = self.closed_end(author)?.upto;
        let (first, last) = DocumentKey::range(author);
        let found = self.row(
            "SELECT id FROM document WHERE id BETWEEN ?1 AND ?2 ORDER BY id DESC LIMIT 1",
            [first, last],
            |row| row.get::<_, i64>(0),
        )?;
        Ok(found.map_or(0, |id| id - first).max(closed))
    }

    pub(super) fn noted_upto(&self, author: i64) -> Result<Option<i64>, TableError> {
        let found = self.row("SELECT upto FROM author WHERE key = ?1", [author], |row| {
            row.get(0)
        })?;
        Ok(found.flatten())
    }

    pub(super) fn note_upto(&self, author: i64, upto: Option<i64>) -> Result<(), TableError> {
        if let Some(waiting) = self.waiting {
            waiting.forget_tail(author);
        }
        self.run(
            "UPDATE author SET upto = ?2 WHERE key = ?1",
            params![author, upto],
        )
    }
}
