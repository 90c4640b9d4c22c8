//! What the hub says to PCs by itself, beside what the machines of the stores say.

use shelf_link::Frame;
use shelf_stock::identity::{Digest, Incarnation, NodeId, Seq};
use shelf_stock::name::{StoreId, TenantId};
use shelf_wire::frame::pack;
use shelf_wire::message::{CfgHint, CfgKind, Message, Nack, NackReason};
use shelf_wire::topic::{Down, Lane, Topic};

use crate::catalogue::table::Published;

/// What a machine answers to a PC that has not said hello.
pub(super) fn hello_wanted(tenant: &TenantId, store: &StoreId, node: NodeId) -> Option<Frame> {
    let nack = Nack {
        node: None,
        incarnation: Incarnation(0),
        first: Seq(0),
        last: Seq(0),
        reason: NackReason::Hello,
    };
    let topic = Topic {
        tenant: tenant.clone(),
        store: store.clone(),
        lane: Lane::Down(node, Down::Ack),
    };
    let payload = pack(&Message::Nack(nack)).ok()?;
    Some(Frame { topic, payload })
}

/// Where a revision of the catalogue can be fetched.
pub(super) fn hint_of(published: &Published) -> CfgHint {
    CfgHint {
        kind: CfgKind::Catalogue,
        revision: published.revision,
        path: format!("/catalogue/{}", published.revision),
        sha256: Digest::from_bytes(published.sha256),
        bytes: published.bytes,
    }
}

/// Tells a PC where the store's documents are as files. They and what the machine sends fit
/// together in any order, so that nothing is held back.
pub(super) fn files_hint(tenant: &TenantId, store: &StoreId, node: NodeId) -> Option<Frame> {
    let hint = CfgHint {
        kind: CfgKind::Bootstrap,
        revision: 0,
        path: format!("/api/v1/stores/{store}/bootstrap"),
        sha256: Digest::ZERO,
        bytes: 0,
    };
    let topic = Topic {
        tenant: tenant.clone(),
        store: store.clone(),
        lane: Lane::Down(node, Down::Cfg),
    };
    let payload = pack(&Message::CfgHint(hint)).ok()?;
    Some(Frame { topic, payload })
}
