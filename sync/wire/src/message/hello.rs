//! Introductions.
//!
//! A hello names what a PC has, so that the hub can tell it what to send, return what it lost, and
//! notice a restored disk or a clone. It is signed by the PC's key; the signature is always the
//! last field on the wire and covers the bytes before it, so that an older hub can check a newer
//! hello with fields that it doesn't know.

use prost::Message as _;
use shelf_stock::identity::{Digest, Incarnation, NodeId, Seq};
use shelf_stock::time::Timestamp;

use super::{MessageError, field, key_bytes, node_bytes, optional_node, parse, read_keys};
use crate::document::{read_digest, read_node};
use crate::generated as proto;
use crate::key::{NodeKey, PublicKey, SIGNATURE_BYTES};

/// The most logs that a hello names one by one.
pub const HELLO_LOGS_MAX: usize = 64;
/// The most logs that an answer names one by one.
pub const ANSWER_LOGS_MAX: usize = 2048;
/// The most PCs of one shop.
pub const HELLO_NODES_MAX: usize = 64;
/// The most bytes of the token that the hub gives.
pub const TOKEN_BYTES_MAX: usize = 64;
/// The most bytes of a program's version.
pub const VERSION_BYTES_MAX: usize = 40;

/// Tag and length of the signature, which ends every hello.
const SIGNATURE_TAG: [u8; 2] = [0x5A, 0x40];

/// A PC introduces itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hello {
    /// Its key; the node is its hash.
    pub public_key: PublicKey,
    /// Drawn for this hello.
    pub nonce: u64,
    /// Drawn at the program's start.
    pub boot_nonce: u64,
    /// What the hub gave at the last hello; empty before the first.
    pub token: Vec<u8>,
    /// The fencing number that the PC knows.
    pub epoch: u64,
    /// The format that the PC writes before it knows what the hub reads.
    pub format: u32,
    /// The newest format that the PC reads.
    pub reads: u32,
    /// Its program's version.
    pub version: String,
    /// Own logs: first those that may not be whole at the hub.
    pub open: Vec<LogEnd>,
    /// How many other own logs there are.
    pub closed_count: u64,
    /// Wrapping sum of their [`LogEnd::check`].
    pub closed_sum: u64,
    /// How much of each sibling is held.
    pub siblings: Vec<Holding>,
    /// The fencing number of rights that the PC knows.
    pub rights_epoch: u64,
    /// Up to which stamp it has the orders.
    pub orders_upto: u64,
    /// How many own documents the hub has acked, over all logs.
    pub acked: u64,
    signature: [u8; SIGNATURE_BYTES],
}

/// Where a log ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogEnd {
    /// Which log of the PC.
    pub incarnation: Incarnation,
    /// Its last number without gaps.
    pub seq: Seq,
    /// That document's digest.
    pub digest: Digest,
}

/// How much of a sibling is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holding {
    /// Whose documents.
    pub node: NodeId,
    /// How many, over all its logs and without gaps.
    pub documents: u64,
}

/// Up to where the hub has one of the PC's logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogCursor {
    /// Which log.
    pub incarnation: Incarnation,
    /// Everything up to here.
    pub upto: Seq,
}

/// The hub answers a hello.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HelloAnswer {
    /// The hello's nonce.
    pub nonce: u64,
    /// Whether to go on.
    pub verdict: Verdict,
    /// What to show at the next hello.
    pub token: Vec<u8>,
    /// The fencing number from now on.
    pub epoch: u64,
    /// The newest format that the hub reads.
    pub format: u32,
    /// Up to where the hub has the hello's open logs.
    pub cursors: Vec<LogCursor>,
    /// The PCs of the shop.
    pub roster: Vec<PublicKey>,
    /// The hub's wall clock.
    pub wall: Timestamp,
    /// How many of the PC's own documents follow because it lost them.
    pub returning: u64,
    /// Whether `cursors` names every log of the PC that the hub has.
    pub cursors_complete: bool,
    /// The store's fencing number of rights.
    pub rights_epoch: u64,
    /// The one PC that may grant under it.
    pub grantor: Option<NodeId>,
    /// The last stamp of the store's orders.
    pub orders_upto: u64,
}

/// What the hub says to a hello.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Go on.
    Admitted,
    /// Too many at once: come again.
    Busy {
        /// After so long.
        retry_after_ms: u32,
    },
    /// This key is not enrolled.
    NotEnrolled,
    /// Two machines use this identity.
    Clone,
    /// The hub can't read what this PC writes.
    Format,
}

impl LogEnd {
    /// Eight bytes of the end's digest mixed with incarnation and number: two sides that add up
    /// the same logs get the same sum, in whatever order.
    pub fn check(&self) -> u64 {
        let mut first = [0; 8];
        for (into, from) in first.iter_mut().zip(self.digest.as_bytes()) {
            *into = *from;
        }
        let mixed = u64::from_le_bytes(first) ^ self.incarnation.0.rotate_left(32) ^ self.seq.0;
        mixed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1
    }
}

impl Hello {
    /// A first hello of a node without logs, to be filled in and signed.
    pub fn new(public_key: PublicKey, nonce: u64) -> Self {
        Self {
            public_key,
            nonce,
            boot_nonce: 0,
            token: Vec::new(),
            epoch: 0,
            format: u32::from(crate::frame::FORMAT_PLAIN),
            reads: u32::from(crate::frame::FORMAT),
            version: String::new(),
            open: Vec::new(),
            closed_count: 0,
            closed_sum: 0,
            siblings: Vec::new(),
            rights_epoch: 0,
            orders_upto: 0,
            acked: 0,
            signature: [0; SIGNATURE_BYTES],
        }
    }

    /// Signs everything that it says; lists and texts are cut to their limits first.
    #[must_use]
    pub fn signed(mut self, key: &NodeKey) -> Self {
        self.open.truncate(HELLO_LOGS_MAX);
        self.siblings.truncate(HELLO_NODES_MAX);
        self.token.truncate(TOKEN_BYTES_MAX);
        if self.version.len() > VERSION_BYTES_MAX {
            self.version.clear();
        }
        self.public_key = key.public_key();
        self.signature = key.sign_hello(&self.signed_part());
        self
    }

    fn signed_part(&self) -> Vec<u8> {
        let end = |it: &LogEnd| proto::LogEnd {
            incarnation: it.incarnation.0,
            seq: it.seq.0,
            digest: it.digest.as_bytes().to_vec(),
        };
        let holding = |it: &Holding| proto::Holding {
            node: it.node.as_bytes().to_vec(),
            documents: it.documents,
        };
        proto::Hello {
            public_key: self.public_key.as_bytes().to_vec(),
            nonce: self.nonce,
            token: self.token.clone(),
            epoch: self.epoch,
            format: self.format,
            version: self.version.clone(),
            open: self.open.iter().map(end).collect(),
            closed_count: self.closed_count,
            closed_sum: self.closed_sum,
            siblings: self.siblings.iter().map(holding).collect(),
            signature: Vec::new(),
            boot_nonce: self.boot_nonce,
            rights_epoch: self.rights_epoch,
            orders_upto: self.orders_upto,
            acked: self.acked,
            // As a version wrote it that reads nothing else.
            reads: if self.reads == self.format {
                0
            } else {
                self.reads
            },
        }
        .encode_to_vec()
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let mut bytes = self.signed_part();
        bytes.extend(SIGNATURE_TAG);
        bytes.extend(self.signature);
        bytes
    }

    pub(super) fn decode(body: &[u8]) -> Result<Self, MessageError> {
        let read: proto::Hello = parse(body)?;
        let public_key = field("public_key", read.public_key.as_slice().try_into().ok())?;
        let public_key = PublicKey::from_bytes(public_key);
        let split = body.split_last_chunk::<SIGNATURE_BYTES>();
        let split = split.and_then(|(rest, signature)| {
            let signed = rest.strip_suffix(&SIGNATURE_TAG)?;
            Some((signed, signature))
        });
        let (signed, signature) = split.ok_or(MessageError::Forged)?;
        if read.signature != signature || !public_key.verifies_hello(signed, signature) {
            return Err(MessageError::Forged);
        }
        let few = read.open.len() <= HELLO_LOGS_MAX && read.siblings.len() <= HELLO_NODES_MAX;
        field("open", few.then_some(()))?;
        let token = Some(read.token).filter(|it| it.len() <= TOKEN_BYTES_MAX);
        let version = Some(read.version).filter(|it| it.len() <= VERSION_BYTES_MAX);
        let open = read.open.iter().map(read_end);
        let siblings = read.siblings.iter().map(|it| {
            Some(Holding {
                node: read_node(&it.node)?,
                documents: it.documents,
            })
        });
        Ok(Self {
            public_key,
            nonce: read.nonce,
            boot_nonce: read.boot_nonce,
            token: field("token", token)?,
            epoch: read.epoch,
            format: read.format,
            reads: if read.reads == 0 {
                read.format
            } else {
                read.reads
            },
            version: field("version", version)?,
            open: field("open", open.collect())?,
            closed_count: read.closed_count,
            closed_sum: read.closed_sum,
            siblings: field("siblings", siblings.collect())?,
            rights_epoch: read.rights_epoch,
            orders_upto: read.orders_upto,
            acked: read.acked,
            signature: *signature,
        })
    }
}

fn read_end(read: &proto::LogEnd) -> Option<LogEnd> {
    Some(LogEnd {
        incarnation: Incarnation(read.incarnation),
        seq: Seq(read.seq),
        digest: read_digest(&read.digest)?,
    })
}

impl HelloAnswer {
    /// An answer that says only yes or no.
    pub fn of(nonce: u64, verdict: Verdict, wall: Timestamp) -> Self {
        Self {
            nonce,
            verdict,
            token: Vec::new(),
            epoch: 0,
            format: u32::from(crate::frame::FORMAT),
            cursors: Vec::new(),
            roster: Vec::new(),
            wall,
            returning: 0,
            cursors_complete: false,
            rights_epoch: 0,
            grantor: None,
            orders_upto: 0,
        }
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let (verdict, retry_after_millis) = match self.verdict {
            Verdict::Admitted => (proto::Verdict::Admitted, 0),
            Verdict::Busy { retry_after_ms } => (proto::Verdict::Busy, retry_after_ms),
            Verdict::NotEnrolled => (proto::Verdict::NotEnrolled, 0),
            Verdict::Clone => (proto::Verdict::Clone, 0),
            Verdict::Format => (proto::Verdict::Format, 0),
        };
        let cursor = |it: &LogCursor| proto::Cursor {
            incarnation: it.incarnation.0,
            upto: it.upto.0,
        };
        proto::HelloAnswer {
            nonce: self.nonce,
            verdict: verdict.into(),
            retry_after_millis,
            token: self.token.clone(),
            epoch: self.epoch,
            format: self.format,
            cursors: self
                .cursors
                .iter()
                .take(ANSWER_LOGS_MAX)
                .map(cursor)
                .collect(),
            roster: key_bytes(&self.roster),
            wall: self.wall.as_millis(),
            returning: self.returning,
            cursors_complete: self.cursors_complete,
            rights_epoch: self.rights_epoch,
            grantor: node_bytes(self.grantor),
            orders_upto: self.orders_upto,
        }
        .encode_to_vec()
    }

    pub(super) fn decode(body: &[u8]) -> Result<Self, MessageError> {
        let read: proto::HelloAnswer = parse(body)?;
        let verdict = match proto::Verdict::try_from(read.verdict) {
            Ok(proto::Verdict::Admitted) => Verdict::Admitted,
            Ok(proto::Verdict::Busy) => Verdict::Busy {
                retry_after_ms: read.retry_after_millis,
            },
            Ok(proto::Verdict::NotEnrolled) => Verdict::NotEnrolled,
            Ok(proto::Verdict::Clone) => Verdict::Clone,
            Ok(proto::Verdict::Format) => Verdict::Format,
            Ok(proto::Verdict::Unknown) | Err(_) => {
                return Err(MessageError::Field { field: "verdict" });
            }
        };
        let token = Some(read.token).filter(|it| it.len() <= TOKEN_BYTES_MAX);
        let cursor = |it: &proto::Cursor| LogCursor {
            incarnation: Incarnation(it.incarnation),
            upto: Seq(it.upto),
        };
        Ok(Self {
            nonce: read.nonce,
            verdict,
            token: field("token", token)?,
            epoch: read.epoch,
            format: read.format,
            cursors: read
                .cursors
                .iter()
                .take(ANSWER_LOGS_MAX)
                .map(cursor)
                .collect(),
            roster: read_keys(&read.roster)?,
            wall: Timestamp::from_millis(read.wall),
            returning: read.returning,
            cursors_complete: read.cursors_complete,
            rights_epoch: read.rights_epoch,
            grantor: optional_node(&read.grantor)?,
            orders_upto: read.orders_upto,
        })
    }
}
