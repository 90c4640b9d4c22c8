//! Looking for a card number in everything that a daemon leaves behind.
//!
//! Files are searched as bytes, whatever they are: database, write-ahead log, backups, log lines.
//! Seven digits in a row are one too many (first six or last four may be kept by the rules of the
//! card schemes; we keep four). Digits packed two to a byte are looked for as well, in either
//! order of the halves, and so are text of two bytes for each character, digits written out as
//! hexadecimal bytes, and base64 of digits or of packed digits, wherever its groups begin.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// Digits in a row that count as a part of the number.
pub const DIGITS: usize = 7;
/// Digits in a row that count where two share a byte: fewer would be found in random bytes, too.
pub const DIGITS_PACKED: usize = 10;
/// Digits that fill three whole groups of base64.
const DIGITS_BASE64: usize = 9;
/// Digits that, packed, fill two whole groups of base64.
const DIGITS_PACKED_BASE64: usize = 12;
const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

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
    let packed: BTreeSet<Vec<u8>> = digits.windows(DIGITS_PACKED).map(pack).collect();
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
    let hex = digits
        .windows(DIGITS)
        .map(|it| it.iter().flat_map(|digit| [b'3', *digit]).collect());
    let base64 = digits.windows(DIGITS_BASE64).map(base64);
    let packed_base64 = digits
        .windows(DIGITS_PACKED_BASE64)
        .map(|it| self::base64(&pack(it)));
    let kinds: [BTreeSet<Vec<u8>>; 7] = [
        text.into_iter().map(<[u8]>::to_vec).collect(),
        packed,
        swapped,
        wide,
        hex.collect(),
        base64.collect(),
        packed_base64.collect(),
    ];
    places(bytes, &kinds)
}

/// Two digits to a byte.
#[must_use]
pub fn pack(digits: &[u8]) -> Vec<u8> {
    let byte = |it: &[u8]| (it[0] & 0x0F) << 4 | it.get(1).map_or(0x0F, |it| it & 0x0F);
    digits.chunks(2).map(byte).collect()
}

/// Base64 without padding: of whole groups of three bytes only.
#[must_use]
pub fn base64(bytes: &[u8]) -> Vec<u8> {
    let group = |it: &[u8]| {
        let bits = it
            .iter()
            .fold(0_usize, |bits, byte| bits << 8 | usize::from(*byte));
        [18, 12, 6, 0].map(|shift| BASE64[bits >> shift & 63])
    };
    bytes.chunks_exact(3).flat_map(group).collect()
}

/// How many places hold one of any kind; most bytes begin none, and are passed over at once.
fn places(bytes: &[u8], kinds: &[BTreeSet<Vec<u8>>]) -> usize {
    let mut begins = [0_u8; 256];
    for (kind, wanted) in kinds.iter().enumerate() {
        for first in wanted.iter().filter_map(|it| it.first()) {
            begins[usize::from(*first)] |= 1 << kind;
        }
    }
    let mut found = 0;
    for (at, first) in bytes.iter().enumerate() {
        let begun = begins[usize::from(*first)];
        if begun == 0 {
            continue;
        }
        let here = |(kind, wanted): &(usize, &BTreeSet<Vec<u8>>)| {
            let length = wanted.first().map_or(0, Vec::len);
            let piece = bytes.get(at..at + length);
            begun & (1 << kind) != 0 && piece.is_some_and(|it| wanted.contains(it))
        };
        found += kinds.iter().enumerate().filter(here).count();
    }
    found
}
