//! How a store's PCs are, as the hub sees them: a PC without a way to its siblings can show the
//! whole store with each one's "as of". Upwards: when the store is open, so that the hub takes only a
//! silence within these hours for one.

use prost::Message as _;
use shelf_stock::hours::{OpeningHours, SPANS_MAX};
use shelf_stock::identity::NodeId;
use shelf_stock::time::Timestamp;

use super::{HELLO_NODES_MAX, MessageError, field, parse};
use crate::document::read_node;
use crate::generated as proto;

/// How the PCs of a store are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Presence {
    /// One for each, at most [`HELLO_NODES_MAX`].
    pub rows: Vec<PresenceRow>,
    /// When the store is open; only PCs say this.
    pub hours: Option<OpeningHours>,
}

/// How one PC is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PresenceRow {
    /// Which PC.
    pub node: NodeId,
    /// By the hub's clock, when it was last heard of.
    pub heard: Option<Timestamp>,
    /// It is connected and admitted.
    pub here: bool,
    /// It said that it stops.
    pub stopped: bool,
    /// Documents that the hub had not acked when it last said so.
    pub unsynced: u64,
    /// Wall time of the oldest of them.
    pub oldest_unsynced: Option<Timestamp>,
}

impl Presence {
    pub(super) fn encode(&self) -> Vec<u8> {
        let millis = |it: Option<Timestamp>| it.map_or(0, Timestamp::as_millis);
        let row = |it: &PresenceRow| proto::PresenceRow {
            node: it.node.as_bytes().to_vec(),
            heard_wall: millis(it.heard),
            here: it.here,
            stopped: it.stopped,
            unsynced: it.unsynced,
            oldest_unsynced_wall: millis(it.oldest_unsynced),
        };
        let rows = self.rows.iter().take(HELLO_NODES_MAX).map(row).collect();
        let hours = self.hours.as_ref().map(|it| proto::OpeningHours {
            utc_offset_minutes: it.utc_offset_minutes(),
            minutes: it.spans().iter().flat_map(|it| [it.0, it.1]).collect(),
        });
        proto::Presence { rows, hours }.encode_to_vec()
    }

    pub(super) fn decode(body: &[u8]) -> Result<Self, MessageError> {
        let read: proto::Presence = parse(body)?;
        let time = |it: i64| Some(it).filter(|it| *it != 0).map(Timestamp::from_millis);
        let row = |it: &proto::PresenceRow| {
            Some(PresenceRow {
                node: read_node(&it.node)?,
                heard: time(it.heard_wall),
                here: it.here,
                stopped: it.stopped,
                unsynced: it.unsynced,
                oldest_unsynced: time(it.oldest_unsynced_wall),
            })
        };
        let few = read.rows.len() <= HELLO_NODES_MAX;
        let rows = read.rows.iter().map(row).collect::<Option<_>>();
        Ok(Self {
            rows: field("rows", rows.filter(|_| few))?,
            hours: match &read.hours {
                Some(hours) => Some(field("hours", opening(hours))?),
                None => None,
            },
        })
    }
}

fn opening(read: &proto::OpeningHours) -> Option<OpeningHours> {
    let (pairs, odd) = read.minutes.as_chunks::<2>();
    let spans: Vec<(u32, u32)> = pairs.iter().map(|[from, until]| (*from, *until)).collect();
    let sound = odd.is_empty() && spans.len() <= SPANS_MAX;
    OpeningHours::new(read.utc_offset_minutes, &spans).filter(|_| sound)
}
