//! What can be wrong with a configuration, said so that a person can mend it.

use std::fmt;
use std::path::PathBuf;

/// A configuration can't be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    /// The file can't be read.
    #[error("{} can't be read", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A line of the file can't be understood.
    #[error("{}, line {line}: {message}{}", path.display(), Hint(hint))]
    Line {
        /// The file.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// What is wrong there.
        message: String,
        /// The likely key meant.
        hint: Option<String>,
    },
    /// The whole doesn't fit together.
    #[error("{message}")]
    Meaning {
        /// What is missing or contradicts, and what to do.
        message: String,
    },
}

struct Hint<'a>(&'a Option<String>);

impl fmt::Display for Hint<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .as_ref()
            .map_or(Ok(()), |it| write!(f, "; did you mean `{it}`?"))
    }
}

/// The known word that is closest to an unknown one, if it is close enough to be meant.
pub(super) fn likely<'a>(unknown: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let allowed = (unknown.chars().count() / 3).max(2);
    known
        .map(|it| (edits(unknown, it), it))
        .filter(|(distance, _)| *distance <= allowed)
        .min()
        .map(|(_, it)| it)
}

/// Levenshtein's distance: how many letters to insert, delete or change.
fn edits(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (deleted, letter) in from.chars().enumerate() {
        let mut next = vec![deleted + 1];
        for (column, other) in to.iter().enumerate() {
            let changed = row.get(column).copied().unwrap_or(0) + usize::from(letter != *other);
            let removed = row.get(column + 1).copied().unwrap_or(0) + 1;
            let added = next.last().copied().unwrap_or(0) + 1;
            next.push(changed.min(removed).min(added));
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}
