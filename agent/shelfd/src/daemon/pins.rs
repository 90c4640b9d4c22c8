//! Managers' PINs: who may let something happen that the rules refuse.
//!
//! The file names one person a line, `STAFF PIN`, and only this user may read it. It is read when
//! a PIN is given, so that a change counts at once and no PIN stays in memory. After a few wrong
//! ones there is a pause, because four digits are quickly tried. A PIN is never logged or stored.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use shelf_stock::name::StaffId;

use crate::platform::files;

/// Wrong PINs in a row before the pause.
const WRONG_MAX: u32 = 5;
/// How long the pause is, in milliseconds.
const PAUSE_MS: u64 = 60_000;

/// Why a PIN does not count.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PinError {
    /// Nobody has one here.
    #[error("no manager has a PIN on this PC: set `policy.manager_pin_file`")]
    NoFile,
    /// The file.
    #[error("the managers' PINs can't be read: {0}")]
    File(#[source] std::io::Error),
    /// Not one of them.
    #[error("this is no manager's PIN")]
    Wrong,
    /// Too many wrong ones.
    #[error("too many wrong PINs: wait a minute")]
    Paused,
}

/// Checks PINs.
#[derive(Debug, Default)]
pub(crate) struct Pins {
    wrong: Mutex<Wrong>,
}

#[derive(Debug, Default)]
struct Wrong {
    in_a_row: u32,
    last_ms: u64,
}

impl Pins {
    /// Whose PIN it is. `now_ms` is any clock that never steps.
    pub(crate) fn manager(
        &self,
        file: Option<&Path>,
        pin: &str,
        now_ms: u64,
    ) -> Result<StaffId, PinError> {
        let file = file.ok_or(PinError::NoFile)?;
        let mut wrong = self.wrong.lock().unwrap_or_else(PoisonError::into_inner);
        if wrong.in_a_row >= WRONG_MAX {
            if now_ms.saturating_sub(wrong.last_ms) < PAUSE_MS {
                return Err(PinError::Paused);
            }
            wrong.in_a_row = 0;
        }
        let text = files::read_secret(file).map_err(PinError::File)?;
        let known = text.lines().filter_map(|it| it.split_once(' '));
        let mut found = None;
        for (staff, theirs) in known {
            if same(theirs.trim(), pin) {
                found = StaffId::new(staff).ok();
            }
        }
        match found {
            Some(staff) => {
                wrong.in_a_row = 0;
                Ok(staff)
            }
            None => {
                wrong.in_a_row += 1;
                wrong.last_ms = now_ms;
                Err(PinError::Wrong)
            }
        }
    }
}

/// Whether somebody is one of those who have a PIN. A file that can't be read names nobody.
pub(crate) fn is_manager(file: Option<&Path>, staff: &StaffId) -> bool {
    let text = file.and_then(|it| files::read_secret(it).ok());
    let text = text.unwrap_or_default();
    let mut named = text.lines().filter_map(|it| it.split_once(' '));
    named.any(|(name, _)| name == staff.as_str())
}

/// Compares in a time that does not depend on where the texts differ.
fn same(a: &str, b: &str) -> bool {
    let differ = a
        .bytes()
        .zip(b.bytes())
        .fold(0, |all, (a, b)| all | (a ^ b));
    !a.is_empty() && a.len() == b.len() && differ == 0
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[expect(clippy::disallowed_methods, reason = "a test makes its own file")]
    #[test]
    fn a_pin_counts_for_its_owner_and_guessing_ends_in_a_pause() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pins");
        std::fs::write(&path, "m1 4711\nm2 0815\n").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        let pins = Pins::default();
        let ask = |pin, now| pins.manager(Some(&path), pin, now);
        assert_eq!(ask("0815", 0).unwrap().as_str(), "m2");
        assert!(matches!(ask("", 0), Err(PinError::Wrong)));
        for _ in 1..WRONG_MAX {
            assert!(matches!(ask("1234", 1), Err(PinError::Wrong)));
        }
        assert!(matches!(ask("4711", 2), Err(PinError::Paused)));
        assert_eq!(ask("4711", PAUSE_MS + 1).unwrap().as_str(), "m1");
        assert!(matches!(
            pins.manager(None, "4711", 0),
            Err(PinError::NoFile)
        ));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(ask("4711", PAUSE_MS + 2), Err(PinError::File(_))));
    }
}
