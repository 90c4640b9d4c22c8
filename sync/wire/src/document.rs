//! A document's exact bytes.
//!
//! The encoding leaves out what the rest says (usual locations, the price times the quantity, a
//! code that is the item's own number), because a store's backlog after a week offline is made of
//! these bytes; every left-out field has one meaning, written in the schema, and comes back as it
//! was. The first four fields (author, incarnation, number, predecessor) always stand first and in
//! shortest form, so that a batch can leave them out and any reader, however old, knows where a
//! document belongs. Reading never re-encodes: what is not understood stays in the bytes.

mod kind;
mod line;
mod name;
mod opening;

use prost::Message;
use shelf_stock::document::{DOCUMENT_BYTES_MAX, Document, Draft, DraftError, Group};
use shelf_stock::identity::{Digest, Incarnation, NODE_ID_BYTES, NodeId, Place, Seq};
use shelf_stock::money::Money;
use shelf_stock::name::NameError;
use shelf_stock::time::{Hlc, Timestamp};

pub(crate) use line::{read_part, read_tender, write_part, write_tender};

use crate::generated as proto;

const HLC_COUNTER_BITS: u32 = 16;

/// Bytes are not a document that this version can use.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Longer than a document may be.
    #[error("a document has {bytes} bytes; at most {DOCUMENT_BYTES_MAX} fit")]
    TooLong {
        /// How long it is.
        bytes: usize,
    },
    /// Not the schema's encoding.
    #[error("a document's bytes can't be read: {detail}")]
    Malformed {
        /// What the reader stumbled over.
        detail: String,
    },
    /// A field that must be there is not, or is impossible.
    #[error("a document's field `{field}` is missing or impossible")]
    Field {
        /// Which.
        field: &'static str,
    },
    /// A value of a list that a newer version knows.
    #[error("a document's field `{field}` has the value {value}, which this version doesn't know")]
    Unknown {
        /// Which.
        field: &'static str,
        /// What it says.
        value: i32,
    },
    /// A name that is too long, empty or not printable.
    #[error("a document's field `{field}` can't be used")]
    Name {
        /// Which.
        field: &'static str,
        /// Why.
        #[source]
        source: NameError,
    },
    /// It reads well but says what no document may.
    #[error("a document breaks the rules of its kind")]
    Rules(#[source] DraftError),
}

impl DecodeError {
    fn malformed(error: &prost::DecodeError) -> Self {
        Self::Malformed {
            detail: error.to_string(),
        }
    }
}

/// The document's bytes. Deterministic: the same document has the same bytes.
pub fn encode(document: &Document) -> Vec<u8> {
    let mut bytes = head_bytes(&document.place, &document.prev);
    bytes.extend(body(document).encode_to_vec());
    bytes
}

/// The document in some bytes, if it is one that this version can use and that keeps the rules.
pub fn decode(bytes: &[u8]) -> Result<Document, DecodeError> {
    if bytes.len() > DOCUMENT_BYTES_MAX {
        return Err(DecodeError::TooLong { bytes: bytes.len() });
    }
    let read = proto::Document::decode(bytes).map_err(|it| DecodeError::malformed(&it))?;
    let place = Place {
        node: read_node(&read.node).ok_or(DecodeError::Field { field: "node" })?,
        incarnation: Incarnation(read.incarnation),
        seq: Seq(read.seq),
    };
    if read.seq == 0 {
        return Err(DecodeError::Field { field: "seq" });
    }
    let prev = read_digest(&read.prev).ok_or(DecodeError::Field { field: "prev" })?;
    let counter = u16::try_from(read.hlc_counter).ok();
    let hlc = hlc(read.hlc_millis, counter).ok_or(DecodeError::Field { field: "hlc" })?;
    let wall = Timestamp::from_millis(wall_base(hlc).wrapping_add(read.wall_delta));
    let draft = draft(read, wall)?;
    draft.validate().map_err(DecodeError::Rules)?;
    Ok(Document {
        place,
        prev,
        hlc,
        wall,
        draft,
    })
}

/// Tags of the first four fields, with their lengths where those are fixed.
const NODE_TAG: [u8; 2] = [0x0A, 16];
const INCARNATION_TAG: [u8; 1] = [0x11];
const SEQ_TAG: [u8; 1] = [0x18];
const PREV_TAG: [u8; 2] = [0x22, 32];

/// The first four fields as they begin every document. Written by hand, because
/// every document of a batch begins with them.
pub fn head_bytes(place: &Place, prev: &Digest) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEAD_BYTES_MAX);
    bytes.extend_from_slice(&NODE_TAG);
    bytes.extend_from_slice(place.node.as_bytes());
    if place.incarnation.0 != 0 {
        bytes.extend_from_slice(&INCARNATION_TAG);
        bytes.extend_from_slice(&place.incarnation.0.to_le_bytes());
    }
    if place.seq.0 != 0 {
        bytes.extend_from_slice(&SEQ_TAG);
        prost::encoding::encode_varint(place.seq.0, &mut bytes);
    }
    if *prev != Digest::ZERO {
        bytes.extend_from_slice(&PREV_TAG);
        bytes.extend_from_slice(prev.as_bytes());
    }
    bytes
}

/// The most bytes of the first four fields.
pub const HEAD_BYTES_MAX: usize = 72;

/// Where some bytes say that they belong, and how many bytes say so: works on documents of any
/// kind and version. `None` where they don't begin as every document must.
pub fn read_head(bytes: &[u8]) -> Option<(Place, Digest, usize)> {
    let (node, rest) = after(bytes, &NODE_TAG)?.split_first_chunk::<NODE_ID_BYTES>()?;
    let (incarnation, rest) = match after(rest, &INCARNATION_TAG) {
        Some(rest) => {
            let (bytes, rest) = rest.split_first_chunk::<8>()?;
            (Some(u64::from_le_bytes(*bytes)), rest)
        }
        None => (None, rest),
    };
    let number = after(rest, &SEQ_TAG)?;
    let mut rest = number;
    let seq = prost::encoding::decode_varint(&mut rest).ok()?;
    let number_bytes = number.len() - rest.len();
    let (prev, rest) = match after(rest, &PREV_TAG) {
        Some(rest) => {
            let (bytes, rest) = rest.split_first_chunk::<32>()?;
            (Some(Digest::from_bytes(*bytes)), rest)
        }
        None => (None, rest),
    };
    // Shortest form: what is zero is left out, and no number is longer than it must be.
    let shortest = incarnation != Some(0)
        && prev != Some(Digest::ZERO)
        && number_bytes == prost::encoding::encoded_len_varint(seq);
    let place = Place {
        node: NodeId::from_bytes(*node),
        incarnation: Incarnation(incarnation.unwrap_or(0)),
        seq: Seq(seq),
    };
    let bytes_head = bytes.len() - rest.len();
    let head = (place, prev.unwrap_or(Digest::ZERO), bytes_head);
    (shortest && seq > 0).then_some(head)
}

fn after<'a>(bytes: &'a [u8], prefix: &[u8]) -> Option<&'a [u8]> {
    bytes.strip_prefix(prefix)
}

pub(crate) fn read_node(bytes: &[u8]) -> Option<NodeId> {
    Some(NodeId::from_bytes(bytes.try_into().ok()?))
}

/// Empty bytes are [`Digest::ZERO`].
pub(crate) fn read_digest(bytes: &[u8]) -> Option<Digest> {
    if bytes.is_empty() {
        return Some(Digest::ZERO);
    }
    Some(Digest::from_bytes(bytes.try_into().ok()?))
}

fn hlc(millis: u64, counter: Option<u16>) -> Option<Hlc> {
    let fits = millis <= u64::MAX >> HLC_COUNTER_BITS;
    fits.then_some(Hlc::from_bits(
        millis << HLC_COUNTER_BITS | u64::from(counter?),
    ))
}

/// What `wall_delta` counts from.
fn wall_base(hlc: Hlc) -> i64 {
    i64::try_from(hlc.millis()).unwrap_or(i64::MAX)
}

fn body(document: &Document) -> proto::Document {
    let draft = &document.draft;
    let wall = document.wall;
    let (kind, particulars) = kind::write(&draft.kind, wall);
    let till = draft.till.as_ref().map(ToString::to_string);
    let owed = bill(draft);
    proto::Document {
        hlc_millis: document.hlc.millis(),
        hlc_counter: u32::try_from(document.hlc.to_bits() & 0xFFFF).unwrap_or(0),
        wall_delta: wall.as_millis().wrapping_sub(wall_base(document.hlc)),
        kind: kind.into(),
        staff: draft
            .staff
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default(),
        source: draft
            .source
            .as_ref()
            .map(|it| kind::write_source(it, till.as_deref())),
        lines: draft
            .lines
            .iter()
            .map(|it| line::write(it, kind, wall))
            .collect(),
        tenders: draft
            .tenders
            .iter()
            .map(|it| write_tender(it, owed))
            .collect(),
        group: draft.group.as_ref().map(|it| proto::Group {
            id: it.id.to_string(),
            index: it.index,
            of: it.of,
        }),
        till: till.unwrap_or_default(),
        particulars,
        ..Default::default()
    }
}

fn draft(read: proto::Document, wall: Timestamp) -> Result<Draft, DecodeError> {
    let kind = proto::Kind::try_from(read.kind).map_err(|_| DecodeError::Unknown {
        field: "kind",
        value: read.kind,
    })?;
    let till = name::optional("till", read.till)?;
    let mut draft = Draft::new(kind::read(kind, read.particulars, wall)?);
    let source = read.source.map(|it| kind::read_source(it, till.as_ref()));
    draft.source = source.transpose()?;
    draft.staff = name::optional("staff", read.staff)?;
    draft.till = till;
    let lines = read.lines.into_iter().map(|it| line::read(it, kind, wall));
    draft.lines = lines.collect::<Result<_, _>>()?;
    let owed = bill(&draft);
    let tenders = read.tenders.into_iter().map(|it| read_tender(it, owed));
    draft.tenders = tenders.collect::<Result<_, _>>()?;
    draft.group = match read.group {
        None => None,
        Some(group) => Some(Group {
            id: name::required("group", group.id)?,
            index: group.index,
            of: group.of,
        }),
    };
    Ok(draft)
}

/// What a single tender usually pays: the sum of the lines' amounts.
fn bill(draft: &Draft) -> Money {
    draft.lines.iter().filter_map(|it| it.amount).sum()
}
