//! What a machine holds of logs: said to siblings, to the hub, and by the hub.
//!
//! A row says how far one log is held without a gap. A page also says that nothing else is held
//! in its range, so that a lost row is told from a log that nobody named.

use prost::Message as _;
use shelf_stock::identity::{Incarnation, NodeId, Seq};

use super::{MessageError, VERSION_BYTES_MAX, field, key_bytes, parse, read_keys};
use crate::document::read_node;
use crate::generated as proto;
use crate::key::PublicKey;

/// The most rows of one message: it stays below the limit of a payload.
pub const HEADS_ROWS_MAX: usize = 1000;
/// The most bytes of the sender's name.
pub const NAME_BYTES_MAX: usize = VERSION_BYTES_MAX;

/// A log's name: its author and incarnation.
pub type LogName = (NodeId, Incarnation);

/// What the sender holds of logs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Heads {
    /// At most [`HEADS_ROWS_MAX`].
    pub rows: Vec<LogHeld>,
    /// From the first to the last of these, both included, nothing but the rows is held; `None`
    /// where nothing is said about other logs.
    pub range: Option<(LogName, LogName)>,
    /// The sender's run.
    pub boot_nonce: u64,
    /// The hub has admitted the sender.
    pub at_hub: bool,
    /// Keys of the sender and of the authors named.
    pub keys: Vec<PublicKey>,
    /// What people call the sender, at most [`NAME_BYTES_MAX`] bytes.
    pub name: String,
}

/// How far a log is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogHeld {
    /// Which log.
    pub log: LogName,
    /// Everything from number 1 to here.
    pub upto: Seq,
}

impl Heads {
    pub(super) fn encode(&self) -> Vec<u8> {
        let name = |(node, incarnation): LogName| proto::LogName {
            node: node.as_bytes().to_vec(),
            incarnation: incarnation.0,
        };
        let row = |it: &LogHeld| proto::LogHeld {
            node: it.log.0.as_bytes().to_vec(),
            incarnation: it.log.1.0,
            upto: it.upto.0,
        };
        proto::Heads {
            rows: self.rows.iter().take(HEADS_ROWS_MAX).map(row).collect(),
            first: self.range.map(|it| name(it.0)),
            last: self.range.map(|it| name(it.1)),
            boot_nonce: self.boot_nonce,
            at_hub: self.at_hub,
            public_keys: key_bytes(&self.keys),
            name: cut(&self.name).to_owned(),
        }
        .encode_to_vec()
    }

    pub(super) fn decode(body: &[u8]) -> Result<Self, MessageError> {
        let read: proto::Heads = parse(body)?;
        let name = |node: &[u8], incarnation| Some((read_node(node)?, Incarnation(incarnation)));
        let end = |it: proto::LogName| name(&it.node, it.incarnation);
        let row = |it: &proto::LogHeld| {
            Some(LogHeld {
                log: name(&it.node, it.incarnation)?,
                upto: Seq(it.upto),
            })
        };
        let few = read.rows.len() <= HEADS_ROWS_MAX;
        let rows = read.rows.iter().map(row).collect::<Option<Vec<_>>>();
        let range = match (read.first, read.last) {
            (Some(first), Some(last)) => Some(field("range", end(first).zip(end(last)))?),
            _ => None,
        };
        let short = read.name.len() <= NAME_BYTES_MAX;
        Ok(Self {
            rows: field("rows", rows.filter(|_| few))?,
            range,
            boot_nonce: read.boot_nonce,
            at_hub: read.at_hub,
            keys: read_keys(&read.public_keys)?,
            name: field("name", short.then_some(read.name))?,
        })
    }
}

/// The longest beginning of a name that fits.
fn cut(name: &str) -> &str {
    name.get(..name.floor_char_boundary(NAME_BYTES_MAX))
        .unwrap_or_default()
}
