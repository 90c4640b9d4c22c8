//! Where messages are said: the topics of the broker.
//!
//! `shelf/v1/{tenant}/{store}/{node}/up/…` is written by that node only, `…/dn/…` by the hub only;
//! a broker's access list enforces it by the node's certificate. Six slashes, because some cloud
//! brokers allow seven.

use std::fmt;
use std::str::FromStr;

use shelf_stock::identity::NodeId;
use shelf_stock::name::{StoreId, TenantId};

const ROOT: &str = "shelf/v1";
const EVERYONE: &str = "all";

/// A topic that a message can be published to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Topic {
    /// Whose shops.
    pub tenant: TenantId,
    /// Which shop.
    pub store: StoreId,
    /// Between whom, and about what.
    pub lane: Lane,
}

/// Direction, PC and channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lane {
    /// From one PC.
    Up(NodeId, Up),
    /// To one PC.
    Down(NodeId, Down),
    /// To every PC of the shop: [`Down::Cfg`] or [`Down::Order`].
    All(Down),
}

macro_rules! channels {
    ($(#[$doc:meta])* $name:ident { $($(#[$each:meta])* $channel:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[$each])* $channel,)*
        }

        impl $name {
            /// Every channel of this direction.
            pub const ALL: &'static [Self] = &[$(Self::$channel,)*];

            /// The word in the topic.
            pub fn word(self) -> &'static str {
                match self {
                    $(Self::$channel => $word,)*
                }
            }
        }
    };
}

channels! {
    /// Channels from a PC.
    Up {
        /// Introductions.
        Hello = "hello",
        /// Its documents, and acks of documents that the hub relayed.
        Log = "log",
        /// Its rights rows.
        Rights = "rights",
        /// Its status row.
        Stat = "stat",
        /// Retained: it was here.
        Will = "will",
    }
}

channels! {
    /// Channels from the hub.
    Down {
        /// Answers to introductions.
        Hello = "hello",
        /// Acks of its documents, and signs of life.
        Ack = "ack",
        /// Documents of its siblings, and its own that it lost.
        Log = "log",
        /// Orders.
        Order = "order",
        /// Rights rows.
        Rights = "rights",
        /// What can be fetched, and who belongs to the shop.
        Cfg = "cfg",
        /// Commands.
        Cmd = "cmd",
    }
}

/// A text is no topic of this protocol.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no topic of shelf/v1")]
pub struct TopicError {
    text: String,
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{ROOT}/{}/{}/", self.tenant, self.store)?;
        match self.lane {
            Lane::Up(node, up) => write!(f, "{node}/up/{}", up.word()),
            Lane::Down(node, down) => write!(f, "{node}/dn/{}", down.word()),
            Lane::All(down) => write!(f, "{EVERYONE}/dn/{}", down.word()),
        }
    }
}

impl FromStr for Topic {
    type Err = TopicError;

    fn from_str(text: &str) -> Result<Self, TopicError> {
        parse(text).ok_or_else(|| TopicError {
            text: text.chars().take(120).collect(),
        })
    }
}

fn parse(text: &str) -> Option<Topic> {
    let mut parts = text.strip_prefix(ROOT)?.strip_prefix('/')?.split('/');
    let mut next = || parts.next();
    let (tenant, store, node, direction, word) = (next()?, next()?, next()?, next()?, next()?);
    if parts.next().is_some() {
        return None;
    }
    let lane = match (node, direction) {
        (EVERYONE, "dn") => Lane::All(*Down::ALL.iter().find(|it| it.word() == word)?),
        (node, "dn") => Lane::Down(
            node.parse().ok()?,
            *Down::ALL.iter().find(|it| it.word() == word)?,
        ),
        (node, "up") => Lane::Up(
            node.parse().ok()?,
            *Up::ALL.iter().find(|it| it.word() == word)?,
        ),
        _ => return None,
    };
    Some(Topic {
        tenant: tenant.parse().ok()?,
        store: store.parse().ok()?,
        lane,
    })
}

/// The two filters that a PC subscribes to: what is for it, and what is for everyone in its shop.
pub fn node_filters(tenant: &TenantId, store: &StoreId, node: NodeId) -> [String; 2] {
    let shop = format!("{ROOT}/{tenant}/{store}");
    [
        format!("{shop}/{node}/dn/+"),
        format!("{shop}/{EVERYONE}/dn/+"),
    ]
}

/// What a PC subscribes to on its store's own broker: what every PC there says of itself. Its own
/// words among them are left out by the subscription's options.
pub fn sibling_filters(tenant: &TenantId, store: &StoreId) -> [String; 3] {
    [Up::Log, Up::Stat, Up::Will].map(|it| format!("{ROOT}/{tenant}/{store}/+/up/{}", it.word()))
}

/// The filter that a hub subscribes to: everything from every PC of one tenant or of all. A share
/// group spreads it over several workers.
pub fn hub_filter(tenant: Option<&TenantId>, share_group: Option<&str>) -> String {
    let tenant = tenant.map_or("+", TenantId::as_str);
    let filter = format!("{ROOT}/{tenant}/+/+/up/+");
    match share_group {
        Some(group) => format!("$share/{group}/{filter}"),
        None => filter,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_is_its_text() {
        let node = "ab".repeat(16);
        for tail in [
            format!("{node}/up/log"),
            format!("{node}/dn/cmd"),
            "all/dn/cfg".to_owned(),
        ] {
            let text = format!("shelf/v1/acme/berlin-1/{tail}");
            assert_eq!(text.parse::<Topic>().unwrap().to_string(), text);
        }
        for bad in [
            "shelf/v2/a/b/all/dn/cfg",
            "shelf/v1/a/b/all/up/log",
            "shelf/v1/a/b/all/dn/cfg/x",
            "shelf/v1/a/b/xyz/up/log",
            "shelf/v1/a/+/all/dn/cfg",
        ] {
            assert!(bad.parse::<Topic>().is_err(), "{bad}");
        }
    }
}
