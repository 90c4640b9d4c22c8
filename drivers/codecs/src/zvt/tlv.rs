//! The TLV container of ZVT (field 06): BER tags of one or more bytes, BER lengths.
//!
//! Only a handful of tags is ever taken out of it by name; EMV tags with card data live in the same
//! container and must stay there.

/// Tag length in bytes beyond which a container is taken for damaged.
const TAG_BYTES_MAX: usize = 3;

/// One element.
pub(super) struct Element<'a> {
    /// The tag bytes, big-endian in the low end.
    pub(super) tag: u32,
    pub(super) value: &'a [u8],
}

/// The size of a BER length and the length it states.
pub(super) fn read_length(bytes: &[u8]) -> Option<(usize, usize)> {
    match *bytes.first()? {
        short @ 0..=0x7F => Some((1, usize::from(short))),
        0x81 => Some((2, usize::from(*bytes.get(1)?))),
        0x82 => Some((
            3,
            usize::from(u16::from_be_bytes([*bytes.get(1)?, *bytes.get(2)?])),
        )),
        _ => None,
    }
}

/// Appends `tag`, the length and the value; a value above 65,535 bytes is cut.
pub(super) fn put(out: &mut Vec<u8>, tag: &[u8], value: &[u8]) {
    out.extend_from_slice(tag);
    let value = value.get(..usize::from(u16::MAX)).unwrap_or(value);
    let length = u16::try_from(value.len()).unwrap_or(u16::MAX).to_be_bytes();
    match value.len() {
        0..=0x7F => out.push(length[1]),
        0x80..=0xFF => out.extend([0x81, length[1]]),
        _ => out.extend([0x82, length[0], length[1]]),
    }
    out.extend_from_slice(value);
}

/// The elements of a container in order, and whether all of it could be read.
pub(super) fn elements(bytes: &[u8]) -> (Vec<Element<'_>>, bool) {
    let mut rest = bytes;
    let mut found = Vec::new();
    while !rest.is_empty() {
        // A zero byte between elements is padding.
        if let Some(after) = rest.strip_prefix(&[0]) {
            rest = after;
            continue;
        }
        let Some((element, after)) = read(rest) else {
            return (found, false);
        };
        found.push(element);
        rest = after;
    }
    (found, true)
}

fn read(bytes: &[u8]) -> Option<(Element<'_>, &[u8])> {
    let first = *bytes.first()?;
    let mut tag = u32::from(first);
    let mut tag_bytes = 1;
    if first & 0x1F == 0x1F {
        loop {
            let next = *bytes.get(tag_bytes)?;
            tag = tag << 8 | u32::from(next);
            tag_bytes += 1;
            if next & 0x80 == 0 {
                break;
            }
            if tag_bytes == TAG_BYTES_MAX {
                return None;
            }
        }
    }
    let after_tag = bytes.get(tag_bytes..)?;
    let (head, length) = read_length(after_tag)?;
    let value = after_tag.get(head..head + length)?;
    Some((Element { tag, value }, after_tag.get(head + length..)?))
}
