//! A folder into which another system drops files: which file is whole, and where it goes then.
//!
//! The shell lists the folder at each poll and does what it is told; this machine only decides. A
//! file is whole when it was renamed into place or when its size and time stayed the same for two
//! polls. A file that was read goes to `done/`, one that can't be read to `quarantine/` with a
//! reason beside it. A file with the same bytes as an earlier one changes nothing, whatever its
//! name. Nothing is ever deleted.

use std::collections::{BTreeMap, BTreeSet};

use shelf_stock::identity::Digest;
use shelf_stock::time::Timestamp;

/// The most files that are looked at in one poll; the others wait for the next.
pub const DROP_FILES_MAX: usize = 1_000;
/// How many polls a file must stay the same.
pub const DROP_STABLE_POLLS: u32 = 2;

/// A file that the shell saw in the folder. Sub-folders are not listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenFile {
    /// Its name, without folder.
    pub name: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// When it was changed last.
    pub modified: Timestamp,
    /// Whether the system said that it was renamed into the folder.
    pub renamed_in: bool,
}

/// One thing that happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DropInput {
    /// What the folder holds now.
    Polled(Vec<SeenFile>),
    /// The file was opened and hashed, as [`DropEffect::Hash`] asked.
    Hashed {
        /// Which file.
        name: String,
        /// SHA-256 of its bytes.
        hash: Digest,
    },
    /// The file can't be opened or is gone; it is looked at again.
    Unreadable {
        /// Which file.
        name: String,
    },
    /// The file was read to its end and everything in it is durable: facts recorded, faults in the
    /// inbox.
    Imported {
        /// Which file.
        name: String,
        /// What the import says.
        verdict: Verdict,
    },
    /// It was moved away.
    Moved {
        /// Which file.
        name: String,
    },
}

/// What an import says about its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Read to its end.
    Done,
    /// Not what it should be; the text says why.
    Quarantine {
        /// Why, for people.
        reason: String,
    },
    /// Something else failed, such as the disk: try again at the next poll.
    Again,
}

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DropEffect {
    /// Hash the file.
    Hash {
        /// Which file.
        name: String,
    },
    /// Import the file; the bytes must have this hash.
    Import {
        /// Which file.
        name: String,
        /// SHA-256 of its bytes.
        hash: Digest,
    },
    /// Move it to `done/`; a file of that name there is never overwritten.
    MoveToDone {
        /// Which file.
        name: String,
        /// Remember this hash durably before moving, so that the same bytes are never read again.
        hash: Digest,
        /// Whether it was the repetition of an earlier file and was not read.
        repeated: bool,
    },
    /// Move it to `quarantine/` and write the reason beside it.
    MoveToQuarantine {
        /// Which file.
        name: String,
        /// Why.
        reason: String,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum FileState {
    Growing { size: (u64, Timestamp), polls: u32 },
    Hashing,
    Importing { hash: Digest },
    Moving,
}

/// The folder.
#[derive(Clone, Debug, Default)]
pub struct FileDrop {
    files: BTreeMap<String, FileState>,
    read_before: BTreeSet<Digest>,
}

impl FileDrop {
    /// A folder whose earlier files had these hashes.
    pub fn new(read_before: impl IntoIterator<Item = Digest>) -> Self {
        Self {
            files: BTreeMap::new(),
            read_before: read_before.into_iter().collect(),
        }
    }

    /// Takes one input.
    pub fn handle(&mut self, input: DropInput, out: &mut Vec<DropEffect>) {
        match input {
            DropInput::Polled(seen) => self.polled(seen, out),
            DropInput::Hashed { name, hash } => self.hashed(name, hash, out),
            DropInput::Imported { name, verdict } => self.imported(name, verdict, out),
            DropInput::Unreadable { name } | DropInput::Moved { name } => {
                self.files.remove(&name);
            }
        }
    }

    fn polled(&mut self, seen: Vec<SeenFile>, out: &mut Vec<DropEffect>) {
        let names: BTreeSet<&str> = seen.iter().map(|it| it.name.as_str()).collect();
        self.files.retain(|name, state| {
            names.contains(name.as_str()) || !matches!(state, FileState::Growing { .. })
        });
        let finished = seen.into_iter().filter(|it| !is_temporary(&it.name));
        for file in finished.take(DROP_FILES_MAX) {
            if self.is_whole(&file) {
                self.files.insert(file.name.clone(), FileState::Hashing);
                out.push(DropEffect::Hash { name: file.name });
            }
        }
    }

    /// Notes what a file looks like now; true at the poll at which it becomes whole.
    fn is_whole(&mut self, file: &SeenFile) -> bool {
        let size = (file.bytes, file.modified);
        let polls = match self.files.get(&file.name) {
            Some(FileState::Growing {
                size: before,
                polls,
            }) if *before == size => polls + 1,
            Some(FileState::Growing { .. }) | None => 1,
            Some(_) => return false,
        };
        let state = FileState::Growing { size, polls };
        self.files.insert(file.name.clone(), state);
        file.renamed_in || polls >= DROP_STABLE_POLLS
    }

    fn hashed(&mut self, name: String, hash: Digest, out: &mut Vec<DropEffect>) {
        if self.files.get(&name) != Some(&FileState::Hashing) {
            return;
        }
        if self.read_before.contains(&hash) {
            self.files.insert(name.clone(), FileState::Moving);
            let repeated = true;
            out.push(DropEffect::MoveToDone {
                name,
                hash,
                repeated,
            });
        } else {
            self.files
                .insert(name.clone(), FileState::Importing { hash });
            out.push(DropEffect::Import { name, hash });
        }
    }

    fn imported(&mut self, name: String, verdict: Verdict, out: &mut Vec<DropEffect>) {
        let Some(FileState::Importing { hash }) = self.files.get(&name).cloned() else {
            return;
        };
        match verdict {
            Verdict::Done => {
                self.read_before.insert(hash);
                self.files.insert(name.clone(), FileState::Moving);
                let repeated = false;
                out.push(DropEffect::MoveToDone {
                    name,
                    hash,
                    repeated,
                });
            }
            Verdict::Quarantine { reason } => {
                self.files.insert(name.clone(), FileState::Moving);
                out.push(DropEffect::MoveToQuarantine { name, reason });
            }
            Verdict::Again => {
                self.files.remove(&name);
            }
        }
    }
}

/// Names that other systems give to files while they write them.
fn is_temporary(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let endings = [
        ".tmp",
        ".part",
        ".partial",
        ".filepart",
        ".crdownload",
        ".swp",
        "~",
    ];
    lower.starts_with('.') || endings.iter().any(|it| lower.ends_with(it))
}
