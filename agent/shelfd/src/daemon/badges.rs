//! Staff badges: whose a badge is that was shown to a reader.
//!
//! Whoever knows a badge's number can copy the badge, so the number itself is kept nowhere: not in the
//! file, not in memory longer than one look, never in a log, an answer or a page. What is kept is a hash
//! of it under a key of this PC (HMAC-SHA-256), beside the opaque number of the member of staff. A badge
//! opens no door that a stolen one should not: it signs on at a till, and approves there what a manager's
//! PIN would approve.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use shelf_stock::name::StaffId;

use crate::platform::files;

/// How long the next badge is waited for, in milliseconds.
pub(crate) const ENROL_MS_MAX: u64 = 30_000;
/// Badges that one PC knows.
const BADGES_MAX: usize = 1_000;
/// Bytes of the key, and of a block of SHA-256.
const KEY_BYTES: usize = 32;
const BLOCK_BYTES: usize = 64;
/// Name of the file below the data folder.
const FILE: &str = "badges";

/// Badges can't be read or kept.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BadgeError {
    /// The file.
    #[error("{} can't be used", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A line of the file.
    #[error("{}, line {line}, is no badge: mend or delete the file, and enrol the badges again", path.display())]
    Line {
        /// Which file.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
    },
    /// Too many.
    #[error("this PC knows {BADGES_MAX} badges already: forget some first")]
    Full,
}

/// What a badge turned out to be.
#[derive(Debug)]
pub(crate) enum Shown {
    /// It was waited for, and is this person's from now on.
    Enrolled(StaffId),
    /// It is this person's.
    Known(StaffId),
    /// Nobody's.
    Unknown,
}

/// Who has badges, as the API tells it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct BadgeList {
    /// Each member of staff with how many badges.
    pub(crate) staff: BTreeMap<String, usize>,
    /// For whom the next badge is waited for.
    pub(crate) waiting_for: Option<String>,
}

/// The badges of this PC.
pub(crate) struct Badges {
    path: PathBuf,
    state: Mutex<State>,
}

struct State {
    key: [u8; KEY_BYTES],
    /// Hash, in hexadecimal digits, to whose it is.
    known: BTreeMap<String, StaffId>,
    /// For whom the next badge is waited for, and until when.
    waiting: Option<(StaffId, u64)>,
}

impl Badges {
    /// Reads them; `key` is drawn anew and becomes the key of a PC that has none yet.
    pub(crate) fn open(folder: &Path, key: [u8; KEY_BYTES]) -> Result<Self, BadgeError> {
        let path = folder.join(FILE);
        let mut state = State {
            key,
            known: BTreeMap::new(),
            waiting: None,
        };
        if files::is_there(&path) {
            let text = files::read_secret(&path).map_err(|source| BadgeError::File {
                path: path.clone(),
                source,
            })?;
            for (number, line) in text.lines().enumerate() {
                state.take(line).ok_or_else(|| BadgeError::Line {
                    path: path.clone(),
                    line: number + 1,
                })?;
            }
        }
        let state = Mutex::new(state);
        Ok(Self { path, state })
    }

    /// A badge was shown. A failure to keep a new one leaves it unknown.
    pub(crate) fn shown(&self, uid: &[u8], now_ms: u64) -> Result<Shown, BadgeError> {
        let mut state = self.state();
        let hash = hash(&state.key, uid);
        if let Some((staff, until_ms)) = state.waiting.take()
            && now_ms <= until_ms
        {
            if state.known.len() >= BADGES_MAX && !state.known.contains_key(&hash) {
                return Err(BadgeError::Full);
            }
            let before = state.known.insert(hash.clone(), staff.clone());
            if let Err(error) = self.keep(&state) {
                match before {
                    Some(before) => state.known.insert(hash, before),
                    None => state.known.remove(&hash),
                };
                return Err(error);
            }
            return Ok(Shown::Enrolled(staff));
        }
        Ok(match state.known.get(&hash) {
            Some(staff) => Shown::Known(staff.clone()),
            None => Shown::Unknown,
        })
    }

    /// The next badge becomes this person's.
    pub(crate) fn enrol(&self, staff: StaffId, now_ms: u64) {
        self.state().waiting = Some((staff, now_ms.saturating_add(ENROL_MS_MAX)));
    }

    /// Forgets all badges of a person; how many there were.
    pub(crate) fn forget(&self, staff: &StaffId) -> Result<usize, BadgeError> {
        let mut state = self.state();
        let before = state.known.clone();
        state.known.retain(|_, whose| whose != staff);
        if let Err(error) = self.keep(&state) {
            state.known = before;
            return Err(error);
        }
        Ok(before.len() - state.known.len())
    }

    /// Who has badges.
    pub(crate) fn list(&self, now_ms: u64) -> BadgeList {
        let state = self.state();
        let mut staff = BTreeMap::new();
        for whose in state.known.values() {
            *staff.entry(whose.to_string()).or_default() += 1;
        }
        let waiting = state.waiting.as_ref().filter(|(_, until)| now_ms <= *until);
        BadgeList {
            staff,
            waiting_for: waiting.map(|(staff, _)| staff.to_string()),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self, state: &State) -> Result<(), BadgeError> {
        let mut text = format!("key {}\n", hex(&state.key));
        for (hash, staff) in &state.known {
            // Writing to a string can't fail.
            let _written = writeln!(text, "{hash} {staff}");
        }
        files::write_secret(&self.path, &text).map_err(|source| BadgeError::File {
            path: self.path.clone(),
            source,
        })
    }
}

impl State {
    /// A line of the file: the key, or a hash and whose it is.
    fn take(&mut self, line: &str) -> Option<()> {
        let (word, rest) = line.split_once(' ')?;
        if word == "key" {
            self.key = unhex(rest)?;
        } else {
            let _is_one: [u8; KEY_BYTES] = unhex(word)?;
            self.known.insert(word.to_owned(), StaffId::new(rest).ok()?);
        }
        Some(())
    }
}

/// HMAC-SHA-256 (RFC 2104) of a badge's number under this PC's key.
fn hash(key: &[u8; KEY_BYTES], uid: &[u8]) -> String {
    let pad = |with: u8| {
        let mut block = [with; BLOCK_BYTES];
        for (byte, key) in block.iter_mut().zip(key) {
            *byte ^= key;
        }
        block
    };
    let inner = Sha256::new()
        .chain_update(pad(0x36))
        .chain_update(uid)
        .finalize();
    let outer = Sha256::new()
        .chain_update(pad(0x5C))
        .chain_update(inner)
        .finalize();
    hex(&outer)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|it| format!("{it:02x}")).collect()
}

fn unhex(text: &str) -> Option<[u8; KEY_BYTES]> {
    let mut bytes = [0; KEY_BYTES];
    if text.len() != 2 * KEY_BYTES || !text.is_ascii() {
        return None;
    }
    for (number, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * number..2 * number + 2)?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const UID: [u8; 4] = [0x04, 0xA1, 0xB2, 0xC3];

    fn staff(name: &str) -> StaffId {
        StaffId::new(name).unwrap()
    }

    #[test]
    fn the_hash_is_the_standards() {
        // RFC 4231, test case 2, with its key filled up with zeroes as the standard does.
        let mut key = [0; KEY_BYTES];
        key[..4].copy_from_slice(b"Jefe");
        let expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert_eq!(hash(&key, b"what do ya want for nothing?"), expected);
    }

    #[test]
    fn a_badge_is_known_after_a_restart_and_its_number_is_nowhere() {
        let folder = tempfile::tempdir().unwrap();
        let badges = Badges::open(folder.path(), [7; KEY_BYTES]).unwrap();
        assert!(matches!(badges.shown(&UID, 0).unwrap(), Shown::Unknown));
        badges.enrol(staff("m 7"), 0);
        assert_eq!(badges.list(1).waiting_for.as_deref(), Some("m 7"));
        assert!(
            matches!(badges.shown(&UID, 1).unwrap(), Shown::Enrolled(it) if it == staff("m 7"))
        );
        // The key of the first start stays.
        let again = Badges::open(folder.path(), [9; KEY_BYTES]).unwrap();
        assert!(matches!(again.shown(&UID, 2).unwrap(), Shown::Known(it) if it == staff("m 7")));
        assert!(matches!(
            again.shown(&[1, 2, 3, 4], 2).unwrap(),
            Shown::Unknown
        ));
        let text = files::read_secret(&folder.path().join(FILE)).unwrap();
        assert!(!text.contains("04a1b2c3"), "{text}");
        assert_eq!(again.list(3).staff, BTreeMap::from([("m 7".to_owned(), 1)]));
        assert_eq!(again.forget(&staff("m 7")).unwrap(), 1);
        assert!(matches!(again.shown(&UID, 4).unwrap(), Shown::Unknown));
    }

    #[test]
    fn who_comes_too_late_is_not_enrolled() {
        let folder = tempfile::tempdir().unwrap();
        let badges = Badges::open(folder.path(), [7; KEY_BYTES]).unwrap();
        badges.enrol(staff("m7"), 0);
        assert!(matches!(
            badges.shown(&UID, ENROL_MS_MAX + 1).unwrap(),
            Shown::Unknown
        ));
        assert!(
            matches!(badges.shown(&UID, 1).unwrap(), Shown::Unknown),
            "waited for once"
        );
    }

    #[test]
    fn a_damaged_file_is_not_taken_for_no_badges() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE);
        files::write_secret(&path, "key 00\n").unwrap();
        assert!(matches!(
            Badges::open(folder.path(), [0; 32]),
            Err(BadgeError::Line { line: 1, .. })
        ));
    }
}
