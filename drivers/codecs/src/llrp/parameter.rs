//! Parameters: the pieces of which messages consist, read as views and written in place.
//!
//! A parameter has either its length in it or (types below 128) a size that only the table knows. One
//! of unknown type without a length ends what can be read of its parent; the parent's own length says
//! where to go on.

use super::types::TV_BYTES;

/// Most parameters that are kept of one message or parameter; more are counted as unread.
pub const PARAMETERS_MAX: usize = 4_096;

/// A parameter that is kept as it came: a vendor's, a newer version's, or one that nobody here needs.
#[derive(Clone, PartialEq, Eq)]
pub struct Parameter {
    /// Its type.
    pub kind: u16,
    /// All behind type and length.
    pub body: Vec<u8>,
}

impl std::fmt::Debug for Parameter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Parameter({}, {:02X?})", self.kind, self.body)
    }
}

/// A parameter in a buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct View<'a> {
    pub(super) kind: u16,
    pub(super) body: &'a [u8],
}

impl View<'_> {
    pub(super) fn keep(self) -> Parameter {
        Parameter {
            kind: self.kind,
            body: self.body.to_vec(),
        }
    }
}

/// The parameters of a buffer, in turn. After the last, `rest` holds what could not be read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Views<'a> {
    pub(super) rest: &'a [u8],
}

impl<'a> Iterator for Views<'a> {
    type Item = View<'a>;

    #[inline]
    fn next(&mut self) -> Option<View<'a>> {
        let &first = self.rest.first()?;
        if first & 0x80 != 0 {
            let kind = first & 0x7F;
            let bytes = usize::from(TV_BYTES[usize::from(kind)]);
            let (own, rest) = self.rest.split_at_checked(bytes)?;
            let body = own.get(1..)?;
            self.rest = rest;
            return Some(View {
                kind: u16::from(kind),
                body,
            });
        }
        let (&[a, b, c, d], _) = self.rest.split_first_chunk::<4>()?;
        let (own, rest) = self
            .rest
            .split_at_checked(usize::from(u16::from_be_bytes([c, d])))?;
        let body = own.get(4..)?;
        // Numbers below 128 belong to the parameters without a length.
        let kind = u16::from_be_bytes([a, b]) & 0x3FF;
        if kind < 0x80 {
            return None;
        }
        self.rest = rest;
        Some(View { kind, body })
    }
}

/// Fields in a buffer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fields<'a> {
    pub(super) rest: &'a [u8],
}

impl<'a> Fields<'a> {
    pub(super) fn of(rest: &'a [u8]) -> Fields<'a> {
        Fields { rest }
    }

    fn chunk<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (&own, rest) = self.rest.split_first_chunk::<N>()?;
        self.rest = rest;
        Some(own)
    }

    pub(super) fn u8(&mut self) -> Option<u8> {
        self.chunk::<1>().map(|[byte]| byte)
    }

    pub(super) fn u16(&mut self) -> Option<u16> {
        self.chunk().map(u16::from_be_bytes)
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        self.chunk().map(u32::from_be_bytes)
    }

    pub(super) fn u64(&mut self) -> Option<u64> {
        self.chunk().map(u64::from_be_bytes)
    }

    /// Bytes with their count before them.
    pub(super) fn counted(&mut self) -> Option<&'a [u8]> {
        let bytes = usize::from(self.u16()?);
        let (own, rest) = self.rest.split_at_checked(bytes)?;
        self.rest = rest;
        Some(own)
    }

    /// A text with its count of bytes before it. What is no UTF-8 is replaced.
    pub(super) fn text(&mut self) -> Option<String> {
        Some(String::from_utf8_lossy(self.counted()?).into_owned())
    }

    /// Numbers of two bytes with their count before them.
    pub(super) fn numbers(&mut self) -> Option<Vec<u16>> {
        let count = usize::from(self.u16()?);
        let (own, rest) = self.rest.split_at_checked(count * 2)?;
        self.rest = rest;
        let number = |pair: &[u8]| pair.iter().fold(0, |n, b| n << 8 | u16::from(*b));
        Some(own.chunks_exact(2).map(number).collect())
    }

    /// The parameters behind the fields.
    pub(super) fn parameters(self) -> Views<'a> {
        Views { rest: self.rest }
    }
}

/// Writes fields and parameters one after the other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Writer {
    pub(super) bytes: Vec<u8>,
}

impl Writer {
    pub(super) fn u8(&mut self, value: u8) -> &mut Writer {
        self.bytes.push(value);
        self
    }

    pub(super) fn u16(&mut self, value: u16) -> &mut Writer {
        self.bytes.extend_from_slice(&value.to_be_bytes());
        self
    }

    pub(super) fn u32(&mut self, value: u32) -> &mut Writer {
        self.bytes.extend_from_slice(&value.to_be_bytes());
        self
    }

    pub(super) fn u64(&mut self, value: u64) -> &mut Writer {
        self.bytes.extend_from_slice(&value.to_be_bytes());
        self
    }

    pub(super) fn raw(&mut self, bytes: &[u8]) -> &mut Writer {
        self.bytes.extend_from_slice(bytes);
        self
    }

    /// Bytes with their count; what doesn't fit into the count is cut off.
    pub(super) fn counted(&mut self, bytes: &[u8]) -> &mut Writer {
        let count = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
        self.u16(count);
        self.raw(bytes.get(..usize::from(count)).unwrap_or(bytes))
    }

    pub(super) fn text(&mut self, text: &str) -> &mut Writer {
        let mut end = text.len().min(usize::from(u16::MAX));
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        self.counted(text.get(..end).unwrap_or("").as_bytes())
    }

    pub(super) fn numbers(&mut self, numbers: &[u16]) -> &mut Writer {
        let count = u16::try_from(numbers.len()).unwrap_or(u16::MAX);
        self.u16(count);
        for &number in numbers.iter().take(usize::from(count)) {
            self.u16(number);
        }
        self
    }

    /// A parameter with a length, whose body the closure writes.
    pub(super) fn tlv(&mut self, kind: u16, body: impl FnOnce(&mut Writer)) -> &mut Writer {
        self.u16(kind & 0x3FF);
        let at = self.bytes.len();
        self.u16(0);
        body(self);
        let length = u16::try_from(self.bytes.len() + 2 - at).unwrap_or(u16::MAX);
        if let Some(field) = self.bytes.get_mut(at..at + 2) {
            field.copy_from_slice(&length.to_be_bytes());
        }
        self
    }

    /// A parameter as it was kept.
    pub(super) fn parameter(&mut self, parameter: &Parameter) -> &mut Writer {
        match u8::try_from(parameter.kind) {
            Ok(kind) if kind < 0x80 => self.u8(0x80 | kind).raw(&parameter.body),
            _ => self.tlv(parameter.kind, |w| {
                w.raw(&parameter.body);
            }),
        }
    }

    pub(super) fn parameters(&mut self, parameters: &[Parameter]) -> &mut Writer {
        parameters.iter().for_each(|it| {
            self.parameter(it);
        });
        self
    }
}
