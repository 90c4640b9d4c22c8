//! What happens to the machine of a PC, what it wants done, and what it tells.

use shelf_stock::hours::OpeningHours;
use shelf_stock::identity::{NodeId, Place, Seq};
use shelf_stock::name::{ItemId, OrderId};
use shelf_wire::key::{NodeKey, PublicKey};
use shelf_wire::message::{CfgHint, NackReason, Policy, Presence, Roster, Verdict};
use shelf_wire::topic::Up;

use crate::store::{LogId, ParkReason};

/// What a machine is told at its birth.
#[derive(Clone, Debug)]
pub struct NodeConfig {
    /// The PC's key.
    pub key: NodeKey,
    /// Drawn at the program's start.
    pub boot_nonce: u64,
    /// Seed of nonces and back-off; random in production.
    pub seed: u64,
    /// The program's version, at most 40 bytes.
    pub version: String,
}

/// What happens to the machine.
#[derive(Clone, Copy, Debug)]
pub enum NodeInput<'a> {
    /// The link is up and subscribed.
    LinkUp,
    /// The link is down.
    LinkDown,
    /// A payload came from the hub.
    Frame(&'a [u8]),
    /// An own log grew, in a transaction that is committed.
    Appended {
        /// Which log.
        log: LogId,
        /// Its last number.
        upto: Seq,
    },
    /// Stock of these items changed, in a transaction that is committed: whoever commits one gives
    /// this afterwards.
    StockChanged {
        /// Which.
        items: &'a [ItemId],
    },
    /// The link to the store's other PCs is up and subscribed.
    LanUp {
        /// What people call this PC.
        name: &'a str,
        /// Keys of siblings that this PC's configuration names.
        keys: &'a [PublicKey],
    },
    /// It is down.
    LanDown,
    /// A payload came from a sibling (its broker's access list says that it is that PC).
    PeerFrame {
        /// Which PC.
        from: NodeId,
        /// The payload.
        frame: &'a [u8],
    },
    /// A batch out of a file of the store's documents: as one that the hub relays, whether the link
    /// is up or not. Whatever else the file may hold is not looked at.
    Snapshot(&'a [u8]),
    /// The transport says that nobody listens to what was sent: there is no hub.
    NobodyListens,
    /// The catalogue of this revision is in use.
    CatalogueHeld {
        /// Its revision.
        revision: u64,
    },
    /// Compare the digests of all balances with the hub's now.
    CompareBalances,
    /// Somebody has counted what the restore put in doubt.
    RestoreSettled,
    /// When the store is open, as this PC's configuration says: the hub is told now and at each
    /// hello.
    Hours(&'a OpeningHours),
    /// The program is being stopped on purpose.
    Stopping,
    /// The time of the last [`NodeEffect::WakeAt`] has come.
    Tick,
}

/// What the machine wants done after the commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NodeEffect {
    /// Publish a payload on one of the PC's own channels. May be lost.
    Send {
        /// Which channel.
        channel: Up,
        /// The payload.
        frame: Vec<u8>,
    },
    /// Publish a payload on one of the PC's own channels on the store's network. May be lost.
    Broadcast {
        /// Which channel.
        channel: Up,
        /// The payload.
        frame: Vec<u8>,
    },
    /// Give [`NodeInput::Tick`] at this monotonic time. Replaces any earlier wish.
    WakeAt(u64),
    /// Tell whoever is interested.
    Event(NodeEvent),
}

/// What others may want to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NodeEvent {
    /// The hub knows this PC; logs flow.
    Admitted {
        /// The fencing number from now on.
        epoch: u64,
        /// How many own documents come back because this PC lost them.
        returning: u64,
    },
    /// The hub's book of these items is another, although both hold the same documents: one of
    /// the two has to be folded again. None: nothing differs any more.
    BalancesDiffer {
        /// Which.
        items: Vec<crate::digest::Difference>,
    },
    /// A comparison of balances was put off: the two sides don't hold the same documents yet, or the
    /// hub compares with another PC. It is made later by itself.
    NotCompared,
    /// This PC's disk went back in time, and [`crate::node::restored`] says what to count again.
    Restored {
        /// How many documents the hub returns.
        returning: u64,
    },
    /// The hub lacks documents that it had acked: it was restored from a backup and gets them again.
    HubLostTime {
        /// How many of this PC's.
        documents: u64,
    },
    /// The hub refuses this PC for now.
    NotAdmitted(Verdict),
    /// The hub has committed an own log up to here.
    Acked {
        /// Which log.
        log: LogId,
        /// Everything up to this number.
        upto: Seq,
    },
    /// Documents of a sibling, or lost ones of this PC, are in the store.
    Received {
        /// Whose.
        author: NodeId,
        /// How many were new.
        new: u64,
    },
    /// A document's effect is withheld here.
    Parked {
        /// Which.
        place: Place,
        /// Why.
        reason: ParkReason,
    },
    /// The hub never takes this document of ours.
    Refused {
        /// Which.
        place: Place,
        /// Why.
        reason: NackReason,
    },
    /// The hub's shop has these PCs.
    Roster(Roster),
    /// Who grants the store's rights.
    Rights {
        /// Whether it is this PC.
        grantor: bool,
        /// Under which fencing number.
        rights_epoch: u64,
        /// Whether it has shaken hands and grants.
        ready: bool,
    },
    /// Orders changed, or what was done about them.
    OrdersChanged {
        /// Which.
        orders: Vec<OrderId>,
    },
    /// The hub wants the store's stock to be shown like this.
    Policy(Policy),
    /// How the store's PCs are, as the hub sees them.
    Presence(Presence),
    /// Something large can be fetched.
    Hint(CfgHint),
    /// The hub has been silent for too long; hello is said again.
    HubSilent,
    /// A payload that can't be used was dropped.
    BadFrame {
        /// Why, for a log.
        reason: String,
    },
}
