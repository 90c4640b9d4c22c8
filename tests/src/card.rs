//! Looking for a card number in everything that a daemon leaves behind.
//!
//! Files are searched as bytes, whatever they are: database, write-ahead log, backups, log lines.
//! Seven digits in a row are one too many (first six or last four may be kept by the rules of the
//! card schemes; we keep four). Digits packed two to a byte are looked for as well, in either
//! order of the halves, and so is text of two bytes for each character.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// Digits in a row that count as a part of the number.
pub const DIGITS: usize = 7;
/// Digits in a row that count where two share a byte: fewer would be found in random bytes, too.
pub const DIGITS_PACKED: usize = 10;

/// Every file below a directory, with how many pieces of the number it holds, where there are any.
#[allow(
    clippy::disallowed_methods,
    reason = "the judge reads what was left behind"
)]
pub fn found_in(dir: &Path, number: &str) -> Result<Vec<(PathBuf, usize)>> {
    let mut found = Vec::new();
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
            let path = entry?.path();
            let kind = std::fs::symlink_metadata(&path)?;
            if kind.is_dir() {
                folders.push(path);
            } else if kind.is_file() {
                let pieces = pieces(&std::fs::read(&path)?, number);
                if pieces > 0 {
                    found.push((path, pieces));
                }
            }
        }
    }
    Ok(found)
}

/// How many places of `bytes` hold a piece of the number.
#[must_use]
pub fn pieces(bytes: &[u8], number: &str) -> usize {
    let digits: Vec<u8> = number.bytes().filter(u8::is_ascii_digit).collect();
    let text: BTreeSet<&[u8]> = digits.windows(DIGITS).collect();
    let packed: BTreeSet<Vec<u8>> = digits
        .windows(DIGITS_PACKED)
        .map(|it| {
            it.chunks(2)
                .map(|it| (it[0] - b'0') << 4 | (it[1] - b'0'))
                .collect()
        })
        .collect();
    let swapped: BTreeSet<Vec<u8>> = packed
        .iter()
        .map(|it| it.iter().map(|byte| byte.rotate_left(4)).collect())
        .collect();
    let wide: BTreeSet<Vec<u8>> = digits
        .windows(DIGITS)
        .map(|it| it.iter().flat_map(|digit| [*digit, 0]).collect::<Vec<u8>>())
        .map(|mut it| {
            // The last zero may belong to what follows: either byte order is found.
            it.pop();
            it
        })
        .collect();
    let kinds: [BTreeSet<Vec<u8>>; 4] = [
        text.into_iter().map(<[u8]>::to_vec).collect(),
        packed,
        swapped,
        wide,
    ];
    kinds.iter().map(|it| places(bytes, it)).sum()
}

/// How many places hold one of these; most bytes begin none, and are passed over at once.
fn places(bytes: &[u8], wanted: &BTreeSet<Vec<u8>>) -> usize {
    let mut begins = [false; 256];
    for first in wanted.iter().filter_map(|it| it.first()) {
        begins[usize::from(*first)] = true;
    }
    let length = wanted.first().map_or(0, Vec::len);
    let found = |at: &usize| {
        begins[usize::from(bytes[*at])]
            && bytes
                .get(*at..*at + length)
                .is_some_and(|it| wanted.contains(it))
    };
    (0..bytes.len()).filter(found).count()
}
