//! What channels and people ask of orders, one command at a time, in the writer's transaction.
//!
//! The machine of a store decides (`shelf_replica`); this module adds what only the hub as a whole
//! knows: in which store an order is ([`place`]), that a number was cancelled before its order
//! came, what another store delivers ([`legs`]), and who will collect it ([`names`]). It answers
//! after the commit and must never hold anything between two commands.

pub mod legs;
pub mod names;
pub mod place;
pub mod possible;
mod run;

use shelf_replica::orders::{Cancelling, Decision, NewOrder};
use shelf_stock::customer_order::OrderLine;
use shelf_stock::document::Tender;
use shelf_stock::identity::NodeId;
use shelf_stock::name::{ChannelId, ItemId, OrderId, StoreId};
use shelf_stock::quantity::Quantity;
use shelf_wire::message::Policy;

pub(crate) use run::{Desk, run};

/// What somebody wants of a store.
#[derive(Clone, Debug)]
pub enum Command {
    /// Place an order.
    Accept(NewOrder),
    /// Place what another store can't deliver of an order.
    StartLeg {
        /// The order of this store.
        new: NewOrder,
        /// What it stands for.
        leg: legs::Leg,
    },
    /// Take from an order what a leg delivers.
    FinishLeg(OrderId),
    /// Bring a leg down to what was taken for it.
    TrimLeg(OrderId),
    /// Cancel an order; a number that nobody knows dies.
    Cancel {
        /// Which.
        order: OrderId,
        /// Whose.
        channel: ChannelId,
    },
    /// Replace what an order wants.
    Change {
        /// Which.
        order: OrderId,
        /// Everything that it wants now.
        lines: Vec<OrderLine>,
    },
    /// Replace how an order is paid.
    Pay {
        /// Which.
        order: OrderId,
        /// All payments.
        tenders: Vec<Tender>,
    },
    /// Give an order to another PC.
    Assign {
        /// Which.
        order: OrderId,
        /// To whom.
        owner: NodeId,
    },
    /// Replace how the store's stock is shown.
    Policy(Policy),
    /// Make a PC the store's grantor.
    Grantor(NodeId),
    /// The clone of a PC's identity is gone: whoever says hello with it now is admitted again.
    Admit(NodeId),
    /// The database was restored from a backup: the store tells again what was promised.
    Restored,
    /// A channel has given all orders of the time that a restored hub lost.
    Reconciled(ChannelId),
    /// An external marketplace is about to be shown these levels.
    Expose {
        /// Which marketplace.
        channel: ChannelId,
        /// What it would be shown.
        levels: Vec<(ItemId, Quantity)>,
    },
    /// An external marketplace shows these levels and no more.
    Lowered {
        /// Which marketplace.
        channel: ChannelId,
        /// What it shows.
        levels: Vec<(ItemId, Quantity)>,
    },
    /// Keep who will collect an order; `None` forgets it at once.
    Name {
        /// Which.
        order: OrderId,
        /// Who.
        name: Option<String>,
    },
}

impl Command {
    /// Whether it may make a store that was never heard of.
    fn makes_store(&self) -> bool {
        matches!(self, Self::Policy(_) | Self::Grantor(_))
    }
}

/// What became of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// An order was decided; it is in this store.
    Decided(StoreId, Decision),
    /// The order was cancelled before it came.
    Dead,
    /// A wish to cancel was decided.
    Cancel(Cancelling),
    /// It is done.
    Done,
    /// The levels that may be shown.
    Exposed(Vec<(ItemId, Quantity)>),
    /// So much was taken from the order for a leg.
    Taken(Quantity),
    /// There is no such order.
    NoOrder,
    /// There is no such store.
    NoStore,
    /// The store's policy doesn't name the channel.
    NoChannel,
    /// Only an external marketplace may have sold already.
    NotExternal,
    /// The policy has an older revision than the one in force.
    OldPolicy,
}
