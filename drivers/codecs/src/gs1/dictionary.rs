//! The table of application identifiers (AIs), read at compile time from GS1's own dictionary.
//!
//! The file `data/gs1-syntax-dictionary.txt` is the only place where an AI is described: a `const`
//! parser turns it into the table, so the table can't be older than the file and a newer
//! dictionary is one file replaced. A line that the parser doesn't understand stops the build.
//!
//! Grammar of a line: `AI[-AI] [flags] component... [attribute...] [# title]`. Flags: `*` fixed
//! length, no separator needed; `?` allowed as a Digital Link query attribute. A component is a
//! type (`N` digits, `X` CSET 82, `Y` CSET 39, `Z` base64url) with a length (`6` or `..20`), in
//! brackets if optional, and the names of its checks. Attributes: `req=` one of these must be
//! present (`+` joins AIs that must come together), `ex=` none of these may be, `dlpkey` the AI
//! can be the primary key of a Digital Link, with its qualifiers in order. `n` in a pattern is
//! any digit.
//!
//! It must never hold an AI that the file does not.
#![allow(
    long_running_const_eval,
    reason = "the whole dictionary is parsed by the compiler, once"
)]

use super::lint::{LINT_NAMES, Lint};

const TEXT: &str = include_str!("../../data/gs1-syntax-dictionary.txt");

/// Components in one AI's value.
pub(crate) const PARTS_MAX: usize = 5;
/// Checks on one component.
pub(crate) const LINTS_MAX: usize = 3;
const RULES_MAX: usize = 1024;
const ROWS: usize = count_rows();
/// Marks a place of the index that belongs to no AI.
const NO_ROW: u8 = u8::MAX;

/// One component of a value: which characters, how many, and what else must hold.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part {
    /// Character class: one of the `CLASS_*` bits.
    pub(crate) class: u8,
    pub(crate) len_min: u8,
    pub(crate) len_max: u8,
    pub(crate) optional: bool,
    pub(crate) lints: [Lint; LINTS_MAX],
    pub(crate) lints_len: u8,
}

/// Digits only (`N`).
pub(crate) const CLASS_N: u8 = 1;
/// GS1 character set 82 (`X`).
pub(crate) const CLASS_X: u8 = 2;
/// GS1 character set 39 (`Y`).
pub(crate) const CLASS_Y: u8 = 4;
/// Base64url, GS1 character set 64 (`Z`).
pub(crate) const CLASS_Z: u8 = 8;

/// What a pairing rule says about the AIs whose key lies in `first..=last`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pairing {
    /// May not be in the same element string.
    Excluded,
    /// Starts an alternative of the open requirement.
    Or,
    /// Must be there together with the one before it.
    And,
    /// Closes the open requirement.
    End,
}

/// One step of an AI's pairing rules.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rule {
    pub(crate) pairing: Pairing,
    pub(crate) first: u16,
    pub(crate) last: u16,
}

/// One line of the dictionary: an AI or a range of AIs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    /// Keys (see [`super::Ai`]) of the first and last AI of the line.
    pub(crate) key_first: u16,
    pub(crate) key_last: u16,
    /// Digits of the AI itself: 2, 3 or 4.
    pub(crate) digits: u8,
    /// Needs no separator after it.
    pub(crate) fixed: bool,
    /// May be a Digital Link query attribute.
    pub(crate) attribute: bool,
    pub(crate) parts: [Part; PARTS_MAX],
    pub(crate) parts_len: u8,
    /// Longest value, in characters.
    pub(crate) len_max: u8,
    pub(crate) rules_start: u16,
    pub(crate) rules_end: u16,
    /// `Some` if it can be a Digital Link's primary key: the qualifier sequences.
    pub(crate) primary_key: Option<&'static str>,
    pub(crate) title: &'static str,
}

/// The dictionary in the shape that parsing wants.
pub(crate) struct Dictionary {
    rows: [Row; ROWS],
    rules: [Rule; RULES_MAX],
    rules_len: usize,
    /// Row of an AI by its key.
    row_by_key: [u8; 10_000],
    /// Digits of an AI by its first two digits; 0 where no AI starts so.
    digits_by_prefix: [u8; 100],
}

/// The one table.
pub(crate) static DICTIONARY: Dictionary = Dictionary::read();

impl Dictionary {
    /// The lines.
    #[cfg(test)]
    pub(crate) fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// The row with this number.
    pub(crate) fn row(&self, number: u8) -> Option<&Row> {
        self.rows.get(usize::from(number))
    }

    /// Digits of the AI that starts with these two ASCII digits, 0 if there is none.
    pub(crate) fn digits(&self, tens: u8, ones: u8) -> u8 {
        let prefix =
            usize::from(tens.wrapping_sub(b'0')) * 10 + usize::from(ones.wrapping_sub(b'0'));
        self.digits_by_prefix.get(prefix).copied().unwrap_or(0)
    }

    /// The row number of an AI's key.
    pub(crate) fn row_number(&self, key: u16) -> Option<u8> {
        match self.row_by_key.get(usize::from(key)) {
            Some(&NO_ROW) | None => None,
            Some(&number) => Some(number),
        }
    }

    /// The pairing rules of a row, in order.
    pub(crate) fn rules(&self, row: &Row) -> &[Rule] {
        let range = usize::from(row.rules_start)..usize::from(row.rules_end);
        self.rules.get(range).unwrap_or(&[])
    }

    const fn read() -> Self {
        let mut table = Dictionary {
            rows: [EMPTY_ROW; ROWS],
            rules: [Rule {
                pairing: Pairing::End,
                first: 0,
                last: 0,
            }; RULES_MAX],
            rules_len: 0,
            row_by_key: [NO_ROW; 10_000],
            digits_by_prefix: [0; 100],
        };
        let bytes = TEXT.as_bytes();
        let (mut at, mut row) = (0, 0);
        while at < bytes.len() {
            let end = line_end(at);
            if bytes[at].is_ascii_digit() {
                table.rows[row] = table.read_row(at, end);
                table.index(row);
                row += 1;
            }
            at = end + 1;
        }
        table
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "asserted: at most 254 rows"
    )]
    const fn index(&mut self, number: usize) {
        assert!(number < NO_ROW as usize, "more AIs than the index can name");
        let row = &self.rows[number];
        let mut key = row.key_first;
        while key <= row.key_last {
            assert!(
                self.row_by_key[key as usize] == NO_ROW,
                "an AI is described twice"
            );
            self.row_by_key[key as usize] = number as u8;
            let prefix = (key / 100) as usize;
            let known = self.digits_by_prefix[prefix];
            assert!(known == 0 || known == row.digits, "AIs are not prefix-free");
            self.digits_by_prefix[prefix] = row.digits;
            key += match row.digits {
                2 => 100,
                3 => 10,
                _ => 1,
            };
        }
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "rules_len <= RULES_MAX = 1024"
    )]
    const fn read_row(&mut self, start: usize, end: usize) -> Row {
        let bytes = TEXT.as_bytes();
        let mut row = EMPTY_ROW;
        row.rules_start = self.rules_len as u16;
        let mut at = read_ai(start, &mut row);
        loop {
            at = skip_spaces(at, end);
            if at >= end {
                break;
            }
            let stop = token_end(at, end);
            match bytes[at] {
                b'#' => {
                    row.title = text(skip_spaces(at + 1, end), end);
                    break;
                }
                b'*' | b'?' => read_flags(at, stop, &mut row),
                b'N' | b'X' | b'Y' | b'Z' | b'[' => {
                    assert!((row.parts_len as usize) < PARTS_MAX, "too many components");
                    let part = read_part(at, stop);
                    row.len_max += part.len_max;
                    row.parts[row.parts_len as usize] = part;
                    row.parts_len += 1;
                }
                b'r' => self.read_required(value_start(at, stop), stop),
                b'e' => self.read_excluded(value_start(at, stop), stop),
                b'd' => row.primary_key = Some(text(value_start(at, stop), stop)),
                _ => understood(false),
            }
            at = stop;
        }
        row.rules_end = self.rules_len as u16;
        row
    }

    const fn read_required(&mut self, start: usize, end: usize) {
        let bytes = TEXT.as_bytes();
        let mut at = start;
        let mut pairing = Pairing::Or;
        while at < end {
            let stop = pattern_end(at, end);
            self.push(pairing, at, stop);
            pairing = if stop < end && bytes[stop] == b'+' {
                Pairing::And
            } else {
                Pairing::Or
            };
            at = stop + 1;
        }
        self.push(Pairing::End, end, end);
    }

    const fn read_excluded(&mut self, start: usize, end: usize) {
        let mut at = start;
        while at < end {
            let stop = pattern_end(at, end);
            self.push(Pairing::Excluded, at, stop);
            at = stop + 1;
        }
    }

    const fn push(&mut self, pairing: Pairing, start: usize, end: usize) {
        assert!(
            self.rules_len < RULES_MAX,
            "more pairing rules than the table holds"
        );
        let (first, last) = key_range(start, end);
        self.rules[self.rules_len] = Rule {
            pairing,
            first,
            last,
        };
        self.rules_len += 1;
    }
}

const EMPTY_PART: Part = Part {
    class: 0,
    len_min: 0,
    len_max: 0,
    optional: false,
    lints: [Lint::Csum; LINTS_MAX],
    lints_len: 0,
};

const EMPTY_ROW: Row = Row {
    key_first: 0,
    key_last: 0,
    digits: 0,
    fixed: false,
    attribute: false,
    parts: [EMPTY_PART; PARTS_MAX],
    parts_len: 0,
    len_max: 0,
    rules_start: 0,
    rules_end: 0,
    primary_key: None,
    title: "",
};

const fn understood(holds: bool) {
    assert!(holds, "the dictionary has a line of a shape not known here");
}

const fn count_rows() -> usize {
    let bytes = TEXT.as_bytes();
    let (mut at, mut rows) = (0, 0);
    while at < bytes.len() {
        if bytes[at].is_ascii_digit() {
            rows += 1;
        }
        at = line_end(at) + 1;
    }
    rows
}

const fn line_end(start: usize) -> usize {
    let bytes = TEXT.as_bytes();
    let mut at = start;
    while at < bytes.len() && bytes[at] != b'\n' {
        at += 1;
    }
    at
}

const fn skip_spaces(start: usize, end: usize) -> usize {
    let bytes = TEXT.as_bytes();
    let mut at = start;
    while at < end && bytes[at] == b' ' {
        at += 1;
    }
    at
}

const fn token_end(start: usize, end: usize) -> usize {
    let bytes = TEXT.as_bytes();
    let mut at = start;
    while at < end && bytes[at] != b' ' {
        at += 1;
    }
    at
}

/// End of a list item: `,` or `+`.
const fn pattern_end(start: usize, end: usize) -> usize {
    let bytes = TEXT.as_bytes();
    let mut at = start;
    while at < end && bytes[at] != b',' && bytes[at] != b'+' {
        at += 1;
    }
    at
}

/// Start of what follows `=`, or the end if there is no `=`.
const fn value_start(start: usize, end: usize) -> usize {
    let bytes = TEXT.as_bytes();
    let mut at = start;
    while at < end {
        at += 1;
        if bytes[at - 1] == b'=' {
            break;
        }
    }
    at
}

const fn text(start: usize, end: usize) -> &'static str {
    TEXT.split_at(end).0.split_at(start).1
}

/// The keys that a pattern such as `01`, `310n` or `31nn` covers.
const fn key_range(start: usize, end: usize) -> (u16, u16) {
    let bytes = TEXT.as_bytes();
    let (mut first, mut last) = (0, 0);
    let mut place = 0;
    while place < 4 {
        let at = start + place;
        let (low, high) = if at < end && bytes[at].is_ascii_digit() {
            ((bytes[at] - b'0') as u16, (bytes[at] - b'0') as u16)
        } else {
            (0, 9)
        };
        first = first * 10 + low;
        last = last * 10 + high;
        place += 1;
    }
    (first, last)
}

#[expect(clippy::cast_possible_truncation, reason = "asserted: 2 to 4 digits")]
const fn read_ai(start: usize, row: &mut Row) -> usize {
    let bytes = TEXT.as_bytes();
    let mut at = start;
    while bytes[at].is_ascii_digit() {
        at += 1;
    }
    let digits = at - start;
    assert!(digits >= 2 && digits <= 4, "an AI has 2 to 4 digits");
    row.digits = digits as u8;
    row.key_first = key_range(start, at).0;
    row.key_last = row.key_first;
    if bytes[at] == b'-' {
        row.key_last = key_range(at + 1, at + 1 + digits).0;
        at += 1 + digits;
    }
    at
}

const fn read_flags(start: usize, end: usize, row: &mut Row) {
    let bytes = TEXT.as_bytes();
    let mut at = start;
    while at < end {
        match bytes[at] {
            b'*' => row.fixed = true,
            b'?' => row.attribute = true,
            _ => understood(false),
        }
        at += 1;
    }
}

const fn read_part(start: usize, end: usize) -> Part {
    let bytes = TEXT.as_bytes();
    let mut part = EMPTY_PART;
    let mut at = start;
    if bytes[at] == b'[' {
        part.optional = true;
        at += 1;
    }
    part.class = match bytes[at] {
        b'N' => CLASS_N,
        b'X' => CLASS_X,
        b'Y' => CLASS_Y,
        _ => CLASS_Z,
    };
    at += 1;
    let variable = bytes[at] == b'.';
    if variable {
        at += 2;
    }
    while at < end && bytes[at].is_ascii_digit() {
        part.len_max = part.len_max * 10 + (bytes[at] - b'0');
        at += 1;
    }
    part.len_min = if variable { 1 } else { part.len_max };
    if part.optional {
        at += 1;
    }
    while at < end {
        let stop = pattern_end(at + 1, end);
        assert!(
            (part.lints_len as usize) < LINTS_MAX,
            "too many checks on a component"
        );
        part.lints[part.lints_len as usize] = read_lint(at + 1, stop);
        part.lints_len += 1;
        at = stop;
    }
    part
}

const fn read_lint(start: usize, end: usize) -> Lint {
    let bytes = TEXT.as_bytes();
    let mut row = 0;
    while row < LINT_NAMES.len() {
        let name = LINT_NAMES[row].0.as_bytes();
        let mut same = name.len() == end - start;
        let mut at = 0;
        while same && at < name.len() {
            same = name[at] == bytes[start + at];
            at += 1;
        }
        if same {
            return LINT_NAMES[row].1;
        }
        row += 1;
    }
    understood(false);
    Lint::Csum
}
