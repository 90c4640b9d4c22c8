//! How a message is packed into one payload.
//!
//! A payload is one byte with the format (high half) and whether the rest is compressed (lowest
//! bit), one byte with the message's type, and the message. Small payloads are never compressed:
//! zstd only makes them larger. Both directions have hard limits, so that neither a broker's limit
//! nor a receiver's memory depends on what somebody sends.

use std::cell::RefCell;
use std::io::Write as _;

use crate::message::{Message, MessageError};

/// The newest format that this version reads.
pub const FORMAT: u8 = 2;
/// The format that every message is written in that can be said in it.
pub const FORMAT_PLAIN: u8 = 1;
/// The format that brought batches in columns.
pub const FORMAT_COLUMNS: u8 = 2;
/// The oldest format that this version reads.
pub const FORMAT_OLDEST: u8 = 1;
/// The most bytes of one payload on the wire.
pub const FRAME_BYTES_MAX: usize = 64 * 1024;
/// The most bytes of one payload after unpacking.
pub const UNPACKED_BYTES_MAX: usize = 1024 * 1024;
/// Shorter messages travel as they are.
pub const COMPRESS_BYTES_MIN: usize = 160;
/// Batches of fewer documents are smaller as they are.
pub const COLUMNS_DOCUMENTS_MIN: usize = 4;
/// Batches of so many documents are smaller in columns; of fewer, whichever is smaller is sent.
pub const COLUMNS_DOCUMENTS_SURE: usize = 64;

const HEADER_BYTES: usize = 2;
const COMPRESSED: u8 = 1;
const COMPRESSION_LEVEL: i32 = 3;
const COMPRESSION_LEVEL_TIGHT: i32 = 19;

/// A message can't be packed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PackError {
    /// It stays too large.
    #[error("a message of {bytes} bytes doesn't fit a payload of {FRAME_BYTES_MAX} bytes")]
    TooLarge {
        /// Its packed size.
        bytes: usize,
    },
}

/// A payload can't be unpacked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnpackError {
    /// Longer than [`FRAME_BYTES_MAX`] or, unpacked, than [`UNPACKED_BYTES_MAX`].
    #[error("a payload is larger than its limit")]
    TooLarge,
    /// Too short to be one.
    #[error("a payload has only {bytes} bytes")]
    TooShort {
        /// How many.
        bytes: usize,
    },
    /// A format that this version doesn't read.
    #[error(
        "a payload has the format {format}; this version reads {FORMAT_OLDEST} to {FORMAT}: update \
         the older side"
    )]
    Format {
        /// Which.
        format: u8,
    },
    /// Header bits that must be zero are not.
    #[error("a payload has unknown flags {flags:#x}")]
    Flags {
        /// All of them.
        flags: u8,
    },
    /// Compressed data that is damaged.
    #[error("a payload's compressed part is damaged")]
    Compression,
    /// The message inside can't be read.
    #[error("a payload's message can't be read")]
    Message(#[source] MessageError),
}

/// One payload for a message, for a reader of any format.
pub fn pack(message: &Message) -> Result<Vec<u8>, PackError> {
    pack_for(message, u32::from(FORMAT_PLAIN))
}

/// One payload for a message, for a reader that said up to which format it reads: the oldest
/// format that says it well.
pub fn pack_for(message: &Message, reads: u32) -> Result<Vec<u8>, PackError> {
    pack_at(message, reads, COMPRESSION_LEVEL)
}

/// The same with all the time in the world, for what must fit and can't be cut: a batch that its
/// author signed at its end.
pub fn pack_tightly_for(message: &Message, reads: u32) -> Result<Vec<u8>, PackError> {
    pack_at(message, reads, COMPRESSION_LEVEL_TIGHT)
}

fn pack_at(message: &Message, reads: u32, level: i32) -> Result<Vec<u8>, PackError> {
    let plain = || {
        let (kind, body) = message.encode();
        write(FORMAT_PLAIN, kind, &body, &[], level)
    };
    let columns = match message {
        Message::LogBatch(batch)
            if reads >= u32::from(FORMAT_COLUMNS)
                && batch.bodies.len() >= COLUMNS_DOCUMENTS_MIN =>
        {
            batch.encode_packed()
        }
        _ => None,
    };
    let Some((body, cuts)) = columns else {
        return plain();
    };
    let packed = write(FORMAT_COLUMNS, Message::LOG_BATCH, &body, &cuts, level);
    if let Message::LogBatch(batch) = message
        && batch.bodies.len() < COLUMNS_DOCUMENTS_SURE
    {
        let plain = plain()?;
        let smaller = packed.ok().filter(|it| it.len() < plain.len());
        return Ok(smaller.unwrap_or(plain));
    }
    packed
}

fn write(
    format: u8,
    kind: u8,
    body: &[u8],
    cuts: &[usize],
    level: i32,
) -> Result<Vec<u8>, PackError> {
    let mut frame = vec![format << 4, kind];
    let packed = match body.len() >= COMPRESS_BYTES_MIN {
        true => compress(body, cuts, level),
        false => None,
    };
    match packed.filter(|it| it.len() < body.len() && body.len() <= UNPACKED_BYTES_MAX) {
        Some(packed) => {
            frame = vec![format << 4 | COMPRESSED, kind];
            frame.extend(packed);
        }
        None => frame.extend_from_slice(body),
    }
    match frame.len() {
        0..=FRAME_BYTES_MAX => Ok(frame),
        bytes => Err(PackError::TooLarge { bytes }),
    }
}

/// Contexts that a thread keeps, because making one costs more than a small payload. What they
/// give never depends on what they did before.
#[derive(Default)]
struct Kept {
    compressor: Option<zstd::bulk::Compressor<'static>>,
    decompressor: Option<zstd::bulk::Decompressor<'static>>,
}

thread_local! {
    static KEPT: RefCell<Kept> = RefCell::default();
}

impl Kept {
    fn compress(&mut self, body: &[u8]) -> Option<Vec<u8>> {
        let compressor = match &mut self.compressor {
            Some(it) => it,
            none => none.insert(zstd::bulk::Compressor::new(COMPRESSION_LEVEL).ok()?),
        };
        compressor.compress(body).ok()
    }

    fn decompress(&mut self, body: &[u8], size: usize) -> Option<Vec<u8>> {
        let decompressor = match &mut self.decompressor {
            Some(it) => it,
            none => none.insert(zstd::bulk::Decompressor::new().ok()?),
        };
        decompressor.decompress(body, size).ok()
    }
}

/// One zstd frame that declares its size, with a block for each part.
fn compress(body: &[u8], cuts: &[usize], level: i32) -> Option<Vec<u8>> {
    if cuts.is_empty() && level == COMPRESSION_LEVEL {
        return KEPT.with_borrow_mut(|kept| kept.compress(body));
    }
    if cuts.is_empty() {
        return zstd::bulk::compress(body, level).ok();
    }
    let packed = Vec::with_capacity(body.len() / 2);
    let mut encoder = zstd::stream::write::Encoder::new(packed, level).ok()?;
    let length = u64::try_from(body.len()).ok()?;
    encoder.set_pledged_src_size(Some(length)).ok()?;
    let mut before = 0;
    for cut in cuts {
        encoder.write_all(body.get(before..*cut)?).ok()?;
        encoder.flush().ok()?;
        before = *cut;
    }
    encoder.write_all(body.get(before..)?).ok()?;
    encoder.finish().ok()
}

/// The message in one payload.
pub fn unpack(frame: &[u8]) -> Result<Message, UnpackError> {
    if frame.len() > FRAME_BYTES_MAX {
        return Err(UnpackError::TooLarge);
    }
    let Some(([head, kind], body)) = frame.split_first_chunk::<HEADER_BYTES>() else {
        return Err(UnpackError::TooShort { bytes: frame.len() });
    };
    let (format, flags) = (head >> 4, head & 0x0F);
    if !(FORMAT_OLDEST..=FORMAT).contains(&format) {
        return Err(UnpackError::Format { format });
    }
    let message = match flags {
        0 => Message::decode(*kind, body),
        COMPRESSED => Message::decode(*kind, &decompress(body)?),
        _ => return Err(UnpackError::Flags { flags }),
    };
    message.map_err(UnpackError::Message)
}

fn decompress(body: &[u8]) -> Result<Vec<u8>, UnpackError> {
    let declared = zstd::zstd_safe::get_frame_content_size(body);
    let Ok(Some(size)) = declared else {
        return Err(UnpackError::Compression);
    };
    match usize::try_from(size) {
        Ok(size) if size <= UNPACKED_BYTES_MAX => {
            let unpacked = KEPT.with_borrow_mut(|kept| kept.decompress(body, size));
            unpacked.ok_or(UnpackError::Compression)
        }
        _ => Err(UnpackError::TooLarge),
    }
}
