//! The numbers and texts that occur in a batch, each once and in ascending order.
//!
//! In order the differences between neighbours are small: a number is the distance from the one
//! before, a text what it doesn't share with the one before. The check digit of a GTIN says
//! nothing and is left out where it is right. A text of digits only (an article number, a receipt,
//! a terminal's trace number) is a number with a length.

use super::column::{Columns, ColumnsReader};
use super::schema::{DIGITS, NUMBERS, OWN, SHARED};
use super::token::{GTIN_MAX, Token};
use super::{BODIES_BYTES_MAX, ColumnarError, damaged};

/// Texts of more digits are texts.
const DIGITS_MAX: usize = 15;
const DIGITS_SPAN: u64 = 10_u64.pow(15);

/// Sorts values, writes to each token its value's place, and returns the different values.
fn rank<T: Ord + Copy>(mut values: Vec<(T, usize)>, base: usize, places: &mut [u64]) -> Vec<T> {
    values.sort_unstable();
    let mut different: Vec<T> = Vec::with_capacity(values.len());
    for (value, token) in values {
        if different.last() != Some(&value) {
            different.push(value);
        }
        if let Some(place) = places.get_mut(token) {
            *place = u64::try_from(base + different.len() - 1).unwrap_or(u64::MAX);
        }
    }
    different
}

/// What a writer's tokens refer to.
#[derive(Debug)]
pub(super) struct Written<'a> {
    pub(super) numbers: usize,
    pub(super) texts: usize,
    /// For each token that is a number of 14 digits or a text: its place in the list.
    pub(super) places: Vec<u64>,
    words: Vec<&'a [u8]>,
}

impl<'a> Written<'a> {
    /// Lists what occurs, and writes the lists' columns.
    pub(super) fn of(tokens: &[Token<'a>], columns: &mut Columns) -> Self {
        let mut places = vec![0; tokens.len()];
        let (mut gtins, mut digits, mut words) = (Vec::new(), Vec::new(), Vec::new());
        for (token, it) in tokens.iter().enumerate() {
            match it {
                Token::Number(..) => {}
                Token::Gtin(_, gtin) => gtins.push((key(*gtin), token)),
                Token::Text(_, _, text) => match digits_key(text) {
                    Some(key) => digits.push((key, token)),
                    None => words.push((*text, token)),
                },
            }
        }
        let gtins = rank(gtins, 0, &mut places);
        let digits = rank(digits, 0, &mut places);
        let words = rank(words, digits.len(), &mut places);
        write_ascending(NUMBERS, &gtins, columns);
        write_ascending(DIGITS, &digits, columns);
        Self {
            numbers: gtins.len(),
            texts: digits.len() + words.len(),
            places,
            words,
        }
    }

    /// Writes the texts: their columns, and what stands after all columns.
    pub(super) fn write_words(&self, columns: &mut Columns) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut before: &[u8] = &[];
        for word in &self.words {
            let shared = before.iter().zip(*word).take_while(|(a, b)| a == b).count();
            let own = word.get(shared..).unwrap_or_default();
            columns.push(SHARED, u64::try_from(shared).unwrap_or(u64::MAX));
            columns.push(OWN, u64::try_from(own.len()).unwrap_or(u64::MAX));
            bytes.extend_from_slice(own);
            before = word;
        }
        bytes
    }
}

fn write_ascending(column: u8, keys: &[u64], columns: &mut Columns) {
    let mut before = 0;
    for key in keys {
        columns.push(column, key - before);
        before = *key;
    }
}

/// Adds differences up; none may lead above `max`.
fn read_ascending(mut keys: Vec<u64>, max: u64) -> Result<Vec<u64>, ColumnarError> {
    let mut sum = 0_u64;
    for key in &mut keys {
        sum = sum
            .checked_add(*key)
            .filter(|it| *it <= max)
            .ok_or(damaged("a number has too many digits"))?;
        *key = sum;
    }
    Ok(keys)
}

/// The numbers of 14 digits of a batch, ready to be read.
#[derive(Debug)]
pub(super) struct Numbers(Vec<u64>);

impl Numbers {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn get(&self, index: u64) -> Result<u64, ColumnarError> {
        let gtin = usize::try_from(index).ok().and_then(|it| self.0.get(it));
        gtin.copied().ok_or(damaged("a number is not in the list"))
    }

    pub(super) fn read(columns: &mut ColumnsReader) -> Result<Self, ColumnarError> {
        let mut keys = read_ascending(columns.take(NUMBERS), 2 * GTIN_MAX + 1)?;
        for key in &mut keys {
            *key = number(*key).ok_or(damaged("a number has more than 14 digits"))?;
        }
        Ok(Self(keys))
    }
}

/// Twice the number without its check digit, or twice the number plus one where that is wrong.
fn key(gtin: u64) -> u64 {
    match with_check_digit(gtin / 10) == Some(gtin) {
        true => gtin / 10 * 2,
        false => gtin * 2 + 1,
    }
}

fn number(key: u64) -> Option<u64> {
    match key & 1 {
        0 => with_check_digit(key / 2),
        _ => Some(key / 2),
    }
}

/// Digits with their check digit: three times every other digit from the last, and the rest, add
/// up to a multiple of ten.
fn with_check_digit(digits: u64) -> Option<u64> {
    let (mut rest, mut sum, mut weight) = (digits, 0, 3);
    while rest > 0 {
        sum += rest % 10 * weight;
        weight = 4 - weight;
        rest /= 10;
    }
    let gtin = digits.checked_mul(10)?.checked_add((10 - sum % 10) % 10)?;
    (gtin <= GTIN_MAX).then_some(gtin)
}

/// 10^15 times the length, plus the number; `None` for what is not 1 to 15 digits.
fn digits_key(text: &[u8]) -> Option<u64> {
    if text.is_empty() || text.len() > DIGITS_MAX {
        return None;
    }
    let mut value = 0;
    for byte in text {
        let digit = byte.checked_sub(b'0').filter(|it| *it < 10)?;
        value = value * 10 + u64::from(digit);
    }
    Some(u64::try_from(text.len()).ok()? * DIGITS_SPAN + value)
}

/// Appends the text of a key.
fn write_digits(key: u64, out: &mut Vec<u8>) -> Option<()> {
    let length = usize::try_from(key / DIGITS_SPAN).ok()?;
    if !(1..=DIGITS_MAX).contains(&length) {
        return None;
    }
    let mut value = key % DIGITS_SPAN;
    let start = out.len();
    out.resize(start + length, b'0');
    for byte in out.get_mut(start..)?.iter_mut().rev() {
        *byte += (value % 10).to_le_bytes()[0];
        value /= 10;
    }
    (value == 0).then_some(())
}

/// The texts of a batch, ready to be read.
#[derive(Debug)]
pub(super) struct Texts {
    bytes: Vec<u8>,
    /// Where each text ends.
    ends: Vec<usize>,
}

impl Texts {
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(super) fn get(&self, index: u64) -> Result<&[u8], ColumnarError> {
        let index = usize::try_from(index).unwrap_or(usize::MAX);
        let text = self.ends.get(index).and_then(|end| {
            let before = index.checked_sub(1).and_then(|it| self.ends.get(it));
            self.bytes.get(before.copied().unwrap_or(0)..*end)
        });
        text.ok_or(damaged("a text is not in the list"))
    }

    /// `rest` is what stands after the columns, all of which must be used.
    pub(super) fn read(
        columns: &mut ColumnsReader,
        mut rest: &[u8],
    ) -> Result<Self, ColumnarError> {
        let mut texts = Self {
            bytes: Vec::new(),
            ends: Vec::new(),
        };
        for key in read_ascending(columns.take(DIGITS), u64::MAX)? {
            write_digits(key, &mut texts.bytes).ok_or(damaged("a text of digits is none"))?;
            texts.end()?;
        }
        let (shared, own) = (columns.take(SHARED), columns.take(OWN));
        if shared.len() != own.len() {
            return Err(damaged("the texts' columns differ in length"));
        }
        let mut before = 0..0;
        for (shared, own) in shared.into_iter().zip(own) {
            let shared = usize::try_from(shared).unwrap_or(usize::MAX);
            let own = usize::try_from(own).unwrap_or(usize::MAX);
            if shared > before.len() {
                return Err(damaged("a text shares more than there is"));
            }
            let (new, after) = rest.split_at_checked(own).ok_or(damaged("no text left"))?;
            rest = after;
            let start = texts.bytes.len();
            let same = before.start..before.start + shared;
            texts.bytes.extend_from_within(same);
            texts.bytes.extend_from_slice(new);
            texts.end()?;
            before = start..texts.bytes.len();
        }
        match rest {
            [] => Ok(texts),
            _ => Err(damaged("more text than is said")),
        }
    }

    fn end(&mut self) -> Result<(), ColumnarError> {
        self.ends.push(self.bytes.len());
        match self.bytes.len() <= BODIES_BYTES_MAX {
            true => Ok(()),
            false => Err(ColumnarError::TooLarge),
        }
    }
}
