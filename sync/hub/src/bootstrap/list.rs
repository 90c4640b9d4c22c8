//! The list of a store's parts: what there is and how it is known.
//!
//! Kept as JSON beside the parts, and served with the same fields. A list that can't be read is
//! begun anew with numbers that nobody was ever told.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use shelf_replica::store::LogId;
use shelf_stock::identity::{Incarnation, Seq};

use crate::platform::{self, FileError};

/// The format of parts that this program makes.
pub const FORMAT: u32 = 1;
/// The most bytes of a list's file.
const LIST_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// One part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Its number; never given again.
    pub number: u64,
    /// The author of its documents.
    pub node: String,
    /// The author's incarnation, 16 hexadecimal digits.
    pub incarnation: String,
    /// Its first document.
    pub first: u64,
    /// Its last document.
    pub last: u64,
    /// SHA-256 of the last document, which covers all before it.
    pub digest: String,
    /// Bytes of the file.
    pub bytes: u64,
    /// SHA-256 of the file.
    pub sha256: String,
    /// Whether the log goes on in the next part; else this one gets a successor when it grows.
    pub full: bool,
}

impl Part {
    /// The log that it is of; `None` if the list was damaged.
    #[must_use]
    pub fn log(&self) -> Option<LogId> {
        Some(LogId {
            node: self.node.parse().ok()?,
            incarnation: Incarnation(u64::from_str_radix(&self.incarnation, 16).ok()?),
        })
    }

    /// Its last document.
    #[must_use]
    pub fn end(&self) -> Seq {
        Seq(self.last)
    }
}

/// The parts of a store, ordered by log and number of documents.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct List {
    /// The number that the next part gets.
    pub next: u64,
    /// All parts that are served.
    pub parts: Vec<Part>,
    /// Parts with a successor, oldest first, whose files are still there.
    pub retired: Vec<Part>,
}

impl List {
    /// Reads the list of a directory; an empty one where there is none or it is damaged.
    #[must_use]
    pub fn load(directory: &Path, first_number: u64) -> Self {
        let text = platform::read_text(&path(directory), LIST_BYTES_MAX);
        let list = text.ok().and_then(|it| serde_json::from_str(&it).ok());
        list.unwrap_or(Self {
            next: first_number,
            ..Self::default()
        })
    }

    /// Writes it.
    pub fn save(&self, directory: &Path) -> Result<(), FileError> {
        // Numbers and texts have a JSON form.
        let text = serde_json::to_string(self).unwrap_or_default();
        platform::write_whole(&path(directory), text.as_bytes())
    }

    /// A part by its number, also one with a successor.
    #[must_use]
    pub fn part(&self, number: u64) -> Option<&Part> {
        let mut all = self.parts.iter().chain(&self.retired);
        all.find(|it| it.number == number)
    }
}

fn path(directory: &Path) -> PathBuf {
    directory.join("parts.json")
}
