//! Numbers, peers, places and reasons as columns.

use shelf_replica::store::{ParkReason, Peer};
use shelf_stock::identity::{Place, Seq};

pub(super) fn seq_key(seq: Seq) -> i64 {
    i64::try_from(seq.0).unwrap_or(i64::MAX)
}

pub(super) fn peer_key(peer: &Peer) -> &[u8] {
    match peer {
        Peer::Hub => &[],
        Peer::Node(node) => node.as_bytes(),
    }
}

pub(super) fn place_key(place: Place) -> Vec<u8> {
    let mut key = place.node.as_bytes().to_vec();
    key.extend(place.incarnation.0.to_be_bytes());
    key.extend(place.seq.0.to_be_bytes());
    key
}

pub(super) fn reason_key(reason: ParkReason) -> i64 {
    match reason {
        ParkReason::Unreadable => 0,
        ParkReason::Fork => 1,
        ParkReason::Chain => 2,
    }
}
