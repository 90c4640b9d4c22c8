//! The numbers of 14 digits and the texts that occur in a batch, each once and in ascending order.
//!
//! In order the differences between neighbours are small: a number is the distance from the one
//! before, a text what it doesn't share with the one before. The check digit of a GTIN says
//! nothing and is left out where it is right.

use super::column::{Columns, ColumnsReader};
use super::schema::{NUMBERS, OWN, SHARED};
use super::token::{GTIN_MAX, Token};
use super::{BODIES_BYTES_MAX, ColumnarError, damaged};

/// The numbers of a batch as keys: twice the number without its check digit, or twice the number
/// plus one where the check digit is wrong.
#[derive(Debug, Default)]
pub(super) struct Numbers(Vec<u64>);

impl Numbers {
    pub(super) fn of(tokens: &[Token<'_>]) -> Self {
        let gtins = tokens.iter().filter_map(|it| match it {
            Token::Gtin(_, gtin) => Some(key(*gtin)),
            _ => None,
        });
        let mut keys: Vec<u64> = gtins.collect();
        keys.sort_unstable();
        keys.dedup();
        Self(keys)
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn index(&self, gtin: u64) -> Option<u64> {
        let at = self.0.binary_search(&key(gtin)).ok()?;
        u64::try_from(at).ok()
    }

    pub(super) fn get(&self, index: u64) -> Result<u64, ColumnarError> {
        let key = usize::try_from(index).ok().and_then(|it| self.0.get(it));
        key.and_then(|it| number(*it))
            .ok_or(damaged("a number is not in the list"))
    }

    pub(super) fn write(&self, columns: &mut Columns) {
        let mut before = 0;
        for key in &self.0 {
            columns.push(NUMBERS, key - before);
            before = *key;
        }
    }

    pub(super) fn read(columns: &mut ColumnsReader) -> Result<Self, ColumnarError> {
        let mut keys = columns.take(NUMBERS);
        let mut sum = 0_u64;
        for key in &mut keys {
            sum = sum
                .checked_add(*key)
                .filter(|it| *it <= 2 * GTIN_MAX + 1)
                .ok_or(damaged("a number has more than 14 digits"))?;
            *key = sum;
        }
        Ok(Self(keys))
    }
}

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

/// The texts of a batch.
#[derive(Debug)]
pub(super) struct Texts<'a> {
    list: Vec<Text<'a>>,
    bytes: Vec<u8>,
    shared: Vec<u64>,
}

#[derive(Debug)]
enum Text<'a> {
    Borrowed(&'a [u8]),
    Built(std::ops::Range<usize>),
}

impl<'a> Texts<'a> {
    pub(super) fn of(tokens: &[Token<'a>]) -> Self {
        let texts = tokens.iter().filter_map(|it| match it {
            Token::Text(_, _, text) => Some(*text),
            _ => None,
        });
        let mut list: Vec<&[u8]> = texts.collect();
        list.sort_unstable();
        list.dedup();
        let (mut bytes, mut shared) = (Vec::new(), Vec::new());
        let mut before: &[u8] = &[];
        for text in &list {
            let same = before.iter().zip(*text).take_while(|(a, b)| a == b).count();
            shared.push(u64::try_from(same).unwrap_or(0));
            bytes.extend_from_slice(text.get(same..).unwrap_or_default());
            before = text;
        }
        Self {
            list: list.into_iter().map(Text::Borrowed).collect(),
            bytes,
            shared,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    /// What stands after the columns: the texts without what they share.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) fn index(&self, text: &[u8]) -> Option<u64> {
        let at = self.list.binary_search_by(|it| self.text(it).cmp(text));
        u64::try_from(at.ok()?).ok()
    }

    fn text<'t>(&'t self, text: &'t Text<'a>) -> &'t [u8] {
        match text {
            Text::Borrowed(bytes) => bytes,
            Text::Built(range) => self.bytes.get(range.clone()).unwrap_or_default(),
        }
    }

    pub(super) fn get(&self, index: u64) -> Result<&[u8], ColumnarError> {
        let text = usize::try_from(index).ok().and_then(|it| self.list.get(it));
        let text = text.ok_or(damaged("a text is not in the list"))?;
        Ok(self.text(text))
    }

    pub(super) fn write(&self, columns: &mut Columns) {
        for (text, shared) in self.list.iter().zip(&self.shared) {
            let length = u64::try_from(self.text(text).len()).unwrap_or(u64::MAX);
            columns.push(SHARED, *shared);
            columns.push(OWN, length.saturating_sub(*shared));
        }
    }

    /// `rest` is what stands after the columns, all of which must be used.
    pub(super) fn read(
        columns: &mut ColumnsReader,
        mut rest: &[u8],
    ) -> Result<Self, ColumnarError> {
        let (shared, own) = (columns.take(SHARED), columns.take(OWN));
        if shared.len() != own.len() {
            return Err(damaged("the texts' columns differ in length"));
        }
        let mut built = Self {
            list: Vec::with_capacity(own.len()),
            bytes: Vec::new(),
            shared: Vec::new(),
        };
        let mut before = 0..0;
        for (shared, own) in shared.into_iter().zip(own) {
            let shared = usize::try_from(shared).unwrap_or(usize::MAX);
            let own = usize::try_from(own).unwrap_or(usize::MAX);
            if shared > before.len() {
                return Err(damaged("a text shares more than there is"));
            }
            let (new, after) = rest.split_at_checked(own).ok_or(damaged("no text left"))?;
            rest = after;
            let start = built.bytes.len();
            if start + shared + own > BODIES_BYTES_MAX {
                return Err(ColumnarError::TooLarge);
            }
            built
                .bytes
                .extend_from_within(before.start..before.start + shared);
            built.bytes.extend_from_slice(new);
            before = start..built.bytes.len();
            built.list.push(Text::Built(before.clone()));
        }
        match rest {
            [] => Ok(built),
            _ => Err(damaged("more text than is said")),
        }
    }
}
