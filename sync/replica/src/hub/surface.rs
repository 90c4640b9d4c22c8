//! What happens to the machine of a shop, what it wants done, and what it tells.

use shelf_stock::customer_order::OrderState;
use shelf_stock::identity::{NodeId, Place, Seq};
use shelf_stock::name::{ItemId, OrderId};
use shelf_stock::quantity::Quantity;
use shelf_wire::key::PublicKey;
use shelf_wire::message::{CfgHint, NackReason, Stat, Verdict};
use shelf_wire::topic::Down;

use super::OrderTrouble;
use crate::orders::Cause;
use crate::store::{LogId, ParkReason};

/// What a machine is told at its birth.
#[derive(Clone, Copy, Debug)]
pub struct HubConfig {
    /// Seed of tokens and back-off; random in production.
    pub seed: u64,
    /// Take a key that nobody enrolled on its first hello (`--trust-first-use`).
    pub trust_first_use: bool,
}

/// What happens to the machine.
#[derive(Clone, Copy, Debug)]
pub enum HubInput<'a> {
    /// A payload came on a channel of a PC (the broker's access list says that it is that PC).
    Frame {
        /// Which PC.
        from: NodeId,
        /// The payload.
        frame: &'a [u8],
    },
    /// A PC's key is enrolled.
    Enrol {
        /// Its key.
        key: PublicKey,
    },
    /// The operator has seen to a clone: the identity is admitted again.
    Forgive {
        /// Whose.
        node: NodeId,
    },
    /// Something large has a new revision.
    Hint {
        /// What the PCs are told, now and after each hello.
        hint: &'a CfgHint,
    },
    /// The time of the last [`HubEffect::WakeAt`] has come.
    Tick,
}

/// What the machine wants done after the commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HubEffect {
    /// Publish a payload to one PC. May be lost.
    Send {
        /// Which PC.
        to: NodeId,
        /// On which channel.
        channel: Down,
        /// The payload.
        frame: Vec<u8>,
    },
    /// Give [`HubInput::Tick`] at this monotonic time. Replaces any earlier wish.
    WakeAt(u64),
    /// Tell whoever is interested.
    Event(HubEvent),
}

/// What others may want to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HubEvent {
    /// A PC said hello and was admitted.
    Admitted {
        /// Which PC.
        node: NodeId,
        /// Its program's version.
        version: String,
    },
    /// A PC said hello and was not admitted.
    NotAdmitted {
        /// Which PC.
        node: NodeId,
        /// Why.
        verdict: Verdict,
    },
    /// A key was taken into the shop.
    Enrolled {
        /// Which PC.
        node: NodeId,
    },
    /// A PC came back with less than it had: its disk was restored or replaced. Its lost documents
    /// are being returned, and it has a new epoch.
    Restored {
        /// Which PC.
        node: NodeId,
        /// How many documents are returned.
        returning: u64,
        /// Its epoch from now on.
        epoch: u64,
    },
    /// A PC's book of these items is another, although both hold the same documents.
    BalancesDiffer {
        /// Which PC.
        node: NodeId,
        /// What differs; none: nothing any more.
        items: Vec<crate::digest::Difference>,
    },
    /// A PC knows of acks that are not here: this hub was restored from an older backup. The PC
    /// sends again what is missing, and has a new epoch.
    LostTime {
        /// Which PC.
        node: NodeId,
        /// How many of its documents are missing.
        documents: u64,
    },
    /// Two running programs take turns with one identity: neither is admitted until
    /// [`HubInput::Forgive`].
    Clone {
        /// Whose.
        node: NodeId,
    },
    /// A PC signed two different documents for one place, or two different chains.
    Fork {
        /// Where.
        place: Place,
    },
    /// New documents are stored.
    Stored {
        /// Of which log.
        log: LogId,
        /// How many were new.
        new: u64,
        /// The log is whole up to here.
        upto: Seq,
    },
    /// A document's effect is withheld.
    Parked {
        /// Which.
        place: Place,
        /// Why.
        reason: ParkReason,
    },
    /// A batch was refused.
    Refused {
        /// Who sent it.
        from: NodeId,
        /// Why.
        reason: NackReason,
    },
    /// What channels are shown of these items may have changed.
    LevelsChanged {
        /// Which.
        items: Vec<ItemId>,
    },
    /// An order is new or changed.
    OrderChanged {
        /// Which.
        order: OrderId,
        /// How far it is now.
        state: OrderState,
    },
    /// More is promised of an item than the store has: whoever knows other stores may find it
    /// there before [`COMPENSATE_AFTER_MS`] have passed.
    Oversold {
        /// Which item.
        item: ItemId,
        /// How much.
        quantity: Quantity,
    },
    /// An order lost units that nobody can deliver.
    Compensated {
        /// Which order.
        order: OrderId,
        /// Which item.
        item: ItemId,
        /// How much.
        quantity: Quantity,
        /// Why.
        cause: Cause,
    },
    /// Orders and goods contradict each other: somebody has to look.
    Exception {
        /// Which order.
        order: OrderId,
        /// What.
        trouble: OrderTrouble,
    },
    /// A PC knows of things that this hub doesn't: it was restored from a backup, and sells
    /// nothing until it knows again what was promised.
    Behind {
        /// The fencing number of rights from now on.
        rights_epoch: u64,
    },
    /// A restored hub knows everything again and sells.
    Recovered,
    /// A PC that said hello lacks so much that files bring it quicker than batches.
    FarBehind {
        /// Which PC.
        node: NodeId,
        /// How many documents it lacks.
        documents: u64,
    },
    /// A PC's status row.
    Stat {
        /// Whose.
        node: NodeId,
        /// The row.
        stat: Stat,
    },
    /// A PC fell silent or its connection died.
    Gone {
        /// Which.
        node: NodeId,
    },
    /// A payload that can't be used was dropped.
    BadFrame {
        /// Whose channel it came on.
        from: NodeId,
        /// Why, for a log.
        reason: String,
    },
}
