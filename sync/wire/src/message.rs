//! What is said: the messages between PCs and the hub.
//!
//! A message in memory is already checked in shape: identities have their lengths, lists their
//! limits, and a [`Hello`] is only ever one whose signature was right. What it means is for the
//! machines of `shelf-replica`.

mod batch;
mod digests;
mod heads;
mod hello;
mod orders;
mod policy;
mod presence;
mod rights;

pub use batch::{BATCH_DOCUMENTS_MAX, LogBatch, RestoreError};
pub use digests::{DIGEST_BUCKETS, DIGEST_ITEMS_MAX, DigestLevel, Digests};
pub use heads::{HEADS_ROWS_MAX, Heads, LogHeld, LogName, NAME_BYTES_MAX};
pub use hello::{
    ANSWER_LOGS_MAX, HELLO_LOGS_MAX, HELLO_NODES_MAX, Hello, HelloAnswer, Holding, LogCursor,
    LogEnd, TOKEN_BYTES_MAX, VERSION_BYTES_MAX, Verdict,
};

pub use orders::{
    ORDER_ROWS_MAX, OrderAck, OrderRows, OrdersPage, OrdersPull, read_order, write_order,
};
pub use policy::{ChannelPolicy, ItemPolicy, POLICY_CHANNELS_MAX, POLICY_ITEMS_MAX, Policy};
pub use presence::{Presence, PresenceRow};
pub use rights::{
    HubRight, HubRights, RIGHTS_ROWS_MAX, RightsPage, RightsPull, StoreRight, StoreRights,
};

use prost::Message as _;
use shelf_stock::identity::{Digest, Incarnation, NodeId, Seq};
use shelf_stock::time::Timestamp;

use crate::columnar::ColumnarError;
use crate::document::{read_digest, read_node};
use crate::generated as proto;
use crate::key::{PUBLIC_KEY_BYTES, PublicKey};

/// The most ranges beyond the gap that one ack names.
pub const ACK_RANGES_MAX: usize = 32;
/// The most bytes of the path in a hint.
pub const CFG_PATH_BYTES_MAX: usize = 200;

/// Anything that travels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// A PC introduces itself.
    Hello(Box<Hello>),
    /// The hub answers.
    HelloAnswer(Box<HelloAnswer>),
    /// Consecutive documents of a log.
    LogBatch(LogBatch),
    /// Documents are committed.
    Ack(Ack),
    /// A batch was refused.
    Nack(Nack),
    /// A PC's whole status row.
    Stat(Stat),
    /// A PC's connection died.
    Will(Will),
    /// The hub is alive.
    Beat(Beat),
    /// Something large can be fetched.
    CfgHint(CfgHint),
    /// The PCs of the shop.
    Roster(Roster),
    /// The grantor's rows of rights.
    StoreRights(StoreRights),
    /// The hub's rows of rights.
    HubRights(HubRights),
    /// The grantor asks for the hub's rows.
    RightsPull(RightsPull),
    /// The answer.
    RightsPage(RightsPage),
    /// Orders that changed.
    OrderRows(OrderRows),
    /// Orders are committed.
    OrderAck(OrderAck),
    /// The hub asks for orders that it lost.
    OrdersPull(OrdersPull),
    /// The answer.
    OrdersPage(OrdersPage),
    /// How the store's stock is to be shown.
    Policy(Policy),
    /// What its sender holds of logs.
    Heads(Box<Heads>),
    /// Digests of balances.
    Digests(Box<Digests>),
    /// How the PCs of the shop are.
    Presence(Presence),
}

/// Documents are committed. Only ever sent after the commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ack {
    /// The author; `None` where it is the PC in the topic.
    pub node: Option<NodeId>,
    /// The author's incarnation.
    pub incarnation: Incarnation,
    /// Everything up to here.
    pub upto: Seq,
    /// And these ranges beyond the gap, ascending, both ends included.
    pub beyond: Vec<(Seq, Seq)>,
}

/// A batch was refused and nothing of it stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nack {
    /// The author; `None` where it is the PC in the topic.
    pub node: Option<NodeId>,
    /// The author's incarnation.
    pub incarnation: Incarnation,
    /// The batch's first number.
    pub first: Seq,
    /// The batch's last number.
    pub last: Seq,
    /// Why.
    pub reason: NackReason,
}

/// Why a batch was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum NackReason {
    /// The author's signature doesn't cover these bytes.
    Forged,
    /// The predecessor was left out, and the receiver doesn't have it: send it along.
    Predecessor,
    /// The sender is not admitted: say hello.
    Hello,
    /// Larger than a limit.
    Oversized,
}

/// A PC's status row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stat {
    /// How many own documents the hub has not acked.
    pub unsynced: u64,
    /// Wall time of the oldest of them.
    pub oldest_unsynced: Option<Timestamp>,
    /// The program's version.
    pub version: String,
    /// The PC's wall clock.
    pub wall: Timestamp,
    /// Drawn at the program's start; tells this run's will from an older one.
    pub boot_nonce: u64,
    /// The PC is being stopped on purpose.
    pub stopping: bool,
    /// The revision of the catalogue that it has.
    pub catalogue_revision: u64,
}

/// The last words of a connection, published by the broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Will {
    /// Of the run whose connection died.
    pub boot_nonce: u64,
}

/// The hub is alive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Beat {
    /// The hub's wall clock.
    pub wall: Timestamp,
}

/// Something large can be fetched over HTTPS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CfgHint {
    /// What.
    pub kind: CfgKind,
    /// Its revision; only ever grows.
    pub revision: u64,
    /// Path below the hub's base address, beginning with a slash.
    pub path: String,
    /// SHA-256 of what is there; zero for [`CfgKind::Bootstrap`], whose list has a hash of each part.
    pub sha256: Digest,
    /// Its size; zero where it isn't known.
    pub bytes: u64,
}

/// What can be fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CfgKind {
    /// The shop's catalogue.
    Catalogue,
    /// The shop's documents as files, of which the path gives a list.
    Bootstrap,
}

/// The PCs of the shop.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Roster {
    /// Their public keys, at most [`HELLO_NODES_MAX`].
    pub keys: Vec<PublicKey>,
}

/// A message can't be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// A type that a newer version may know.
    #[error("a message has the unknown type {kind}")]
    Kind {
        /// Which.
        kind: u8,
    },
    /// Not the schema's encoding.
    #[error("a message can't be read: {detail}")]
    Malformed {
        /// What the reader stumbled over.
        detail: String,
    },
    /// A field is missing, too long or impossible.
    #[error("a message's field `{field}` is missing, too long or impossible")]
    Field {
        /// Which.
        field: &'static str,
    },
    /// Documents in columns that can't be restored.
    #[error("a message's packed documents can't be read")]
    Packed(#[source] ColumnarError),
    /// A hello that its key's owner didn't sign.
    #[error("a hello's signature is not its key's")]
    Forged,
}

fn field<T>(field: &'static str, value: Option<T>) -> Result<T, MessageError> {
    value.ok_or(MessageError::Field { field })
}

fn parse<M: prost::Message + Default>(body: &[u8]) -> Result<M, MessageError> {
    M::decode(body).map_err(|it| MessageError::Malformed {
        detail: it.to_string(),
    })
}

/// Empty bytes are no node.
fn optional_node(bytes: &[u8]) -> Result<Option<NodeId>, MessageError> {
    match bytes {
        [] => Ok(None),
        _ => field("node", read_node(bytes)).map(Some),
    }
}

fn node_bytes(node: Option<NodeId>) -> Vec<u8> {
    node.map(|it| it.as_bytes().to_vec()).unwrap_or_default()
}

fn read_keys(keys: &[Vec<u8>]) -> Result<Vec<PublicKey>, MessageError> {
    let few = keys.len() <= HELLO_NODES_MAX;
    let key = |it: &Vec<u8>| <[u8; PUBLIC_KEY_BYTES]>::try_from(it.as_slice()).ok();
    let keys = keys.iter().map(|it| key(it).map(PublicKey::from_bytes));
    field("roster", keys.collect::<Option<Vec<_>>>().filter(|_| few))
}

fn key_bytes(keys: &[PublicKey]) -> Vec<Vec<u8>> {
    keys.iter().map(|it| it.as_bytes().to_vec()).collect()
}

impl Message {
    pub(crate) const LOG_BATCH: u8 = 3;

    /// Its type on the wire and its bytes.
    pub(crate) fn encode(&self) -> (u8, Vec<u8>) {
        match self {
            Self::Hello(it) => (1, it.encode()),
            Self::HelloAnswer(it) => (2, it.encode()),
            Self::LogBatch(it) => (Self::LOG_BATCH, it.encode()),
            Self::Ack(it) => (4, it.encode()),
            Self::Nack(it) => (5, it.encode()),
            Self::Stat(it) => (6, it.encode()),
            Self::Will(it) => (
                7,
                proto::Will {
                    boot_nonce: it.boot_nonce,
                }
                .encode_to_vec(),
            ),
            Self::Beat(it) => (
                8,
                proto::Beat {
                    wall: it.wall.as_millis(),
                }
                .encode_to_vec(),
            ),
            Self::CfgHint(it) => (9, it.encode()),
            Self::Roster(it) => {
                let public_keys = key_bytes(&it.keys);
                (10, proto::Roster { public_keys }.encode_to_vec())
            }
            Self::StoreRights(it) => (11, it.encode()),
            Self::HubRights(it) => (12, it.encode()),
            Self::RightsPull(it) => (13, it.encode()),
            Self::RightsPage(it) => (14, it.encode()),
            Self::OrderRows(it) => (15, it.encode()),
            Self::OrderAck(it) => (16, it.encode()),
            Self::OrdersPull(it) => (17, it.encode()),
            Self::OrdersPage(it) => (18, it.encode()),
            Self::Policy(it) => (19, it.encode()),
            Self::Heads(it) => (20, it.encode()),
            Self::Digests(it) => (21, it.encode()),
            Self::Presence(it) => (22, it.encode()),
        }
    }

    pub(crate) fn decode(kind: u8, body: &[u8]) -> Result<Self, MessageError> {
        Ok(match kind {
            1 => Self::Hello(Box::new(Hello::decode(body)?)),
            2 => Self::HelloAnswer(Box::new(HelloAnswer::decode(body)?)),
            Self::LOG_BATCH => Self::LogBatch(LogBatch::decode(body)?),
            4 => Self::Ack(Ack::decode(body)?),
            5 => Self::Nack(Nack::decode(body)?),
            6 => Self::Stat(Stat::decode(body)?),
            7 => Self::Will(Will {
                boot_nonce: parse::<proto::Will>(body)?.boot_nonce,
            }),
            8 => Self::Beat(Beat {
                wall: Timestamp::from_millis(parse::<proto::Beat>(body)?.wall),
            }),
            9 => Self::CfgHint(CfgHint::decode(body)?),
            10 => Self::Roster(Roster {
                keys: read_keys(&parse::<proto::Roster>(body)?.public_keys)?,
            }),
            11 => Self::StoreRights(StoreRights::decode(body)?),
            12 => Self::HubRights(HubRights::decode(body)?),
            13 => Self::RightsPull(RightsPull::decode(body)?),
            14 => Self::RightsPage(RightsPage::decode(body)?),
            15 => Self::OrderRows(OrderRows::decode(body)?),
            16 => Self::OrderAck(OrderAck::decode(body)?),
            17 => Self::OrdersPull(OrdersPull::decode(body)?),
            18 => Self::OrdersPage(OrdersPage::decode(body)?),
            19 => Self::Policy(Policy::decode(body)?),
            20 => Self::Heads(Box::new(Heads::decode(body)?)),
            21 => Self::Digests(Box::new(Digests::decode(body)?)),
            22 => Self::Presence(Presence::decode(body)?),
            kind => return Err(MessageError::Kind { kind }),
        })
    }
}

impl Ack {
    fn encode(&self) -> Vec<u8> {
        let range = |(first, last): &(Seq, Seq)| proto::Range {
            first: first.0,
            last: last.0,
        };
        proto::Ack {
            node: node_bytes(self.node),
            incarnation: self.incarnation.0,
            upto: self.upto.0,
            beyond: self.beyond.iter().take(ACK_RANGES_MAX).map(range).collect(),
        }
        .encode_to_vec()
    }

    fn decode(body: &[u8]) -> Result<Self, MessageError> {
        let read: proto::Ack = parse(body)?;
        let ranges = read.beyond.iter().take(ACK_RANGES_MAX);
        let ranges = ranges.filter(|it| it.first <= it.last && it.first > read.upto);
        Ok(Self {
            node: optional_node(&read.node)?,
            incarnation: Incarnation(read.incarnation),
            upto: Seq(read.upto),
            beyond: ranges.map(|it| (Seq(it.first), Seq(it.last))).collect(),
        })
    }
}

impl Nack {
    fn encode(&self) -> Vec<u8> {
        let reason = match self.reason {
            NackReason::Forged => proto::NackReason::Forged,
            NackReason::Predecessor => proto::NackReason::Predecessor,
            NackReason::Hello => proto::NackReason::Hello,
            NackReason::Oversized => proto::NackReason::Oversized,
        };
        proto::Nack {
            node: node_bytes(self.node),
            incarnation: self.incarnation.0,
            first_seq: self.first.0,
            last_seq: self.last.0,
            reason: reason.into(),
        }
        .encode_to_vec()
    }

    fn decode(body: &[u8]) -> Result<Self, MessageError> {
        let read: proto::Nack = parse(body)?;
        let reason = match proto::NackReason::try_from(read.reason) {
            Ok(proto::NackReason::Forged) => NackReason::Forged,
            Ok(proto::NackReason::Predecessor) => NackReason::Predecessor,
            Ok(proto::NackReason::Hello) => NackReason::Hello,
            Ok(proto::NackReason::Oversized) => NackReason::Oversized,
            Ok(proto::NackReason::Unknown) | Err(_) => {
                return Err(MessageError::Field { field: "reason" });
            }
        };
        Ok(Self {
            node: optional_node(&read.node)?,
            incarnation: Incarnation(read.incarnation),
            first: Seq(read.first_seq),
            last: Seq(read.last_seq),
            reason,
        })
    }
}

impl Stat {
    fn encode(&self) -> Vec<u8> {
        proto::Stat {
            unsynced: self.unsynced,
            oldest_unsynced_wall: self.oldest_unsynced.map_or(0, Timestamp::as_millis),
            version: self.version.clone(),
            wall: self.wall.as_millis(),
            boot_nonce: self.boot_nonce,
            stopping: self.stopping,
            catalogue_revision: self.catalogue_revision,
        }
        .encode_to_vec()
    }

    fn decode(body: &[u8]) -> Result<Self, MessageError> {
        let read: proto::Stat = parse(body)?;
        let short = read.version.len() <= VERSION_BYTES_MAX;
        let oldest = Some(read.oldest_unsynced_wall).filter(|it| *it != 0);
        Ok(Self {
            unsynced: read.unsynced,
            oldest_unsynced: oldest.map(Timestamp::from_millis),
            version: field("version", short.then_some(read.version))?,
            wall: Timestamp::from_millis(read.wall),
            boot_nonce: read.boot_nonce,
            stopping: read.stopping,
            catalogue_revision: read.catalogue_revision,
        })
    }
}

impl CfgHint {
    fn encode(&self) -> Vec<u8> {
        let kind = match self.kind {
            CfgKind::Catalogue => proto::CfgKind::Catalogue,
            CfgKind::Bootstrap => proto::CfgKind::Bootstrap,
        };
        proto::CfgHint {
            kind: kind.into(),
            revision: self.revision,
            path: self.path.clone(),
            sha256: self.sha256.as_bytes().to_vec(),
            bytes: self.bytes,
        }
        .encode_to_vec()
    }

    fn decode(body: &[u8]) -> Result<Self, MessageError> {
        let read: proto::CfgHint = parse(body)?;
        let kind = match proto::CfgKind::try_from(read.kind) {
            Ok(proto::CfgKind::Catalogue) => CfgKind::Catalogue,
            Ok(proto::CfgKind::Bootstrap) => CfgKind::Bootstrap,
            // Of a newer hub: the receiver drops the frame and goes on.
            _ => return Err(MessageError::Field { field: "kind" }),
        };
        let printable = read.path.bytes().all(|it| it.is_ascii_graphic());
        let short = read.path.len() <= CFG_PATH_BYTES_MAX;
        let path = Some(read.path).filter(|it| it.starts_with('/') && printable && short);
        let listed = kind == CfgKind::Bootstrap;
        let sha256 = read_digest(&read.sha256).filter(|it| listed || *it != Digest::ZERO);
        Ok(Self {
            kind,
            revision: read.revision,
            path: field("path", path)?,
            sha256: field("sha256", sha256)?,
            bytes: read.bytes,
        })
    }
}
