//! The way to the store's other PCs over its own broker: the same machine, a second link.
//!
//! What comes on it is given to the machine as a sibling's word and never as the hub's. A broker
//! that is down is no alarm of its own: the other PCs' "as of" grows old, and that is shown.

use std::sync::Arc;

use shelf_link::mqtt::{self, MqttLink, Role};
use shelf_link::{Event, Link as _};
use shelf_replica::node::{Node, Restored};
use shelf_stock::identity::NodeId;
use shelf_wire::key::PublicKey;
use shelf_wire::topic::Lane;
use tokio::task::JoinSet;

use super::broker::{Way, broker};
use super::shop::Shop;
use super::start::StartError;
use super::status::{PcStatus, RestoredStatus};
use super::sync::Given;
use crate::platform;

/// This PC's end of the store's network.
pub(super) struct LanEnd {
    link: MqttLink,
    is_up: bool,
    name: String,
    keys: Vec<PublicKey>,
}

impl LanEnd {
    /// Starts the link, if the store has a broker.
    pub(super) fn start(
        shop: &Arc<Shop>,
        node: NodeId,
        boot_nonce: u64,
        tasks: &mut JoinSet<()>,
    ) -> Result<Option<Self>, StartError> {
        let lan = &shop.config.lan;
        let way = Way {
            key: "lan.broker",
            address: lan.broker.as_deref(),
            username: lan.username.as_deref(),
            password_file: lan.password_file.as_deref(),
            ca_file: lan.ca_file.as_deref(),
        };
        let keys = lan.siblings.iter().map(|it| key(it));
        let keys = keys.collect::<Result<Vec<_>, _>>()?;
        let (Some(broker), Some(tenant), Some(store)) =
            (broker(&way)?, &shop.config.tenant, &shop.config.store)
        else {
            return Ok(None);
        };
        let jitter = || platform::random_bytes().map_or(0, u64::from_be_bytes);
        let role = Role::sibling(tenant, store, node, boot_nonce);
        let (link, driver) = mqtt::link(broker, role, Box::new(jitter));
        tasks.spawn(driver.run());
        Ok(Some(Self {
            link,
            is_up: false,
            name: shop.config.pc_name.clone(),
            keys,
        }))
    }

    /// Where frames are sent.
    pub(super) fn link(&self) -> &MqttLink {
        &self.link
    }

    /// What the machine is told once more after it was reset, if the link is up.
    pub(super) fn up(&self) -> Option<Given> {
        self.is_up.then(|| Given::LanUp {
            name: self.name.clone(),
            keys: self.keys.clone(),
        })
    }

    /// What the machine is told of an event.
    pub(super) fn given(&mut self, shop: &Shop, event: Event) -> Option<Given> {
        match event {
            Event::Up => {
                self.is_up = true;
                shop.sync.send_modify(|it| {
                    it.lan_up = true;
                    it.lan_error = None;
                });
                self.up()
            }
            Event::Down { reason } => {
                self.is_up = false;
                tracing::info!(%reason, "the link to the store's broker is down");
                shop.sync.send_modify(|it| {
                    it.lan_up = false;
                    it.lan_error = Some(reason);
                });
                Some(Given::LanDown)
            }
            Event::Closed => Some(Given::LanDown),
            Event::Frame(frame) => match frame.topic.lane {
                Lane::Up(from, _) => Some(Given::PeerFrame(from, frame.payload)),
                Lane::Down(..) | Lane::All(_) => None,
            },
            // A PC that is alone on its broker.
            Event::NobodyListens => None,
            Event::Refused { reason } => {
                tracing::warn!(%reason, "the store's broker refused a frame");
                None
            }
        }
    }
}

/// The next event; never one where the store has no broker.
pub(super) async fn heard(lan: &mut Option<LanEnd>) -> Event {
    match lan {
        Some(lan) => lan.link.recv().await,
        None => std::future::pending().await,
    }
}

/// The store's other PCs as pages show them.
pub(super) fn pcs(node: &Node) -> Vec<PcStatus> {
    let over_store = node.siblings().into_iter().map(|it| PcStatus {
        node: it.node.to_string(),
        name: it.name,
        over: "store".into(),
        here: it.present,
        stopped: it.stat.as_ref().is_some_and(|it| it.stopping),
        as_of: Some(it.heard),
        unsynced: it.stat.as_ref().map(|it| it.unsynced),
        oldest_unsynced: it.stat.as_ref().and_then(|it| it.oldest_unsynced),
        lacks: it.lacks,
    });
    over_store.collect()
}

/// What a restore put in doubt, in words.
pub(super) fn restored(doubt: Restored) -> RestoredStatus {
    let words = format!(
        "This PC's disk went back in time: it was restored or replaced. {} documents came back from \
         the hub and the other PCs; what nobody else had is lost. Count the {} items of the list \
         again: each leaves it once it is counted.",
        doubt.returned,
        doubt.items.len()
    );
    RestoredStatus {
        noticed: doubt.noticed,
        returned: doubt.returned,
        expected: doubt.expected,
        recount: doubt.items.iter().map(ToString::to_string).collect(),
        words,
    }
}

/// Why the hub keeps this PC out, in words.
pub(crate) fn refusal(word: &str) -> &'static str {
    match word {
        "clone" => {
            "Two PCs run with this PC's identity, so the hub admits neither; selling goes on here. \
             Stop shelfd on the copy and run `shelfd new-identity` there; then tell the hub's \
             operator that the clone is gone."
        }
        "not_enrolled" => "The hub doesn't know this PC's key: have it enrolled.",
        "format" => "The hub can't read what this PC writes: update the hub or this PC.",
        _ => "The hub is busy; this PC comes again by itself.",
    }
}

fn key(text: &str) -> Result<PublicKey, StartError> {
    let digit = |it: u8| {
        char::from(it)
            .to_digit(16)
            .and_then(|it| u8::try_from(it).ok())
    };
    let byte = |pair: &[u8]| match pair {
        [high, low] => Some(digit(*high)? * 16 + digit(*low)?),
        _ => None,
    };
    let bytes: Option<Vec<u8>> = text.as_bytes().chunks(2).map(byte).collect();
    let bytes = bytes.and_then(|it| it.try_into().ok());
    bytes
        .map(PublicKey::from_bytes)
        .ok_or_else(|| StartError::Config {
            message: format!(
                "`lan.siblings` has `{text}`, which is no public key: write the 64 hex digits that \
                 `shelfd status` shows on the other PC"
            ),
        })
}
