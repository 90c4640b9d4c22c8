//! Proof that what is tested really happened: counters of faults and dangerous situations.

use std::collections::BTreeMap;

use super::swarm::{Fault, words};

words! {
    /// A situation in which a wrong protocol does harm.
    Danger {
        /// The floor took what online buyers were promised: an oversell is possible.
        OversellPossible = "oversell_possible",
        /// An order could not be served in full.
        Oversold = "oversold",
        /// A cancelled order was handed over.
        HandedOverAfterCancel = "handed_over_after_cancel",
        /// An order was handed over twice.
        HandedOverTwice = "handed_over_twice",
        /// An order was changed while it was handed over.
        HandedOverLess = "handed_over_less",
        /// Goods of a cancelled order waited in staging.
        PickedAfterCancel = "picked_after_cancel",
        /// A marketplace sold more than it was shown.
        SoldUnasked = "sold_unasked",
        /// An order was cancelled after picking had begun.
        CancelWhilePicking = "cancel_while_picking",
        /// The hub found a restored disk.
        RestoredDisk = "restored_disk_found",
        /// The hub found a clone.
        CloneFound = "clone_found",
        /// Two documents for one place.
        Fork = "fork_found",
        /// Documents were lost with a disk.
        LostTail = "lost_tail",
        /// Documents that were lost came back from the hub.
        Returned = "tail_returned",
        /// The hub lost documents and had them again from PCs.
        HubCaughtUp = "hub_caught_up",
        /// A document was parked.
        Parked = "parked",
        /// A count changed a book.
        CountChanged = "count_changed_book",
        /// The book was more than what lay there.
        Shrunk = "shrunk",
        /// The store granted rights.
        Granted = "granted",
        /// The hub returned rights.
        RightsReturned = "rights_returned",
        /// The hub accepted an order.
        Accepted = "accepted",
        /// The hub accepted an order of several items.
        AcceptedBasket = "accepted_basket",
        /// The hub refused an order.
        Refused = "refused",
        /// A refusable operation was refused.
        OperationRefused = "operation_refused",
        /// An order was handed over.
        HandedOver = "handed_over",
        /// An order was short.
        Shorted = "shorted",
        /// An oversold unit has its record.
        Compensated = "compensated",
        /// An order was paid after it was accepted.
        PaidLater = "paid_later",
        /// An order was changed.
        OrderChanged = "order_changed",
        /// An order could not be changed.
        ChangeRefused = "change_refused",
        /// The right to grant moved to another PC.
        RoleMoved = "role_moved",
        /// A marketplace sold by itself.
        ExternalSale = "external_sale",
        /// A sibling's documents came over the LAN.
        LanExchange = "lan_exchange",
        /// The same report of a sale at two PCs.
        DoubleReport = "double_report",
    }
}

/// How often each happened in a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Faults that really happened.
    pub faults: BTreeMap<Fault, u64>,
    /// Situations that really occurred.
    pub dangers: BTreeMap<Danger, u64>,
}

impl Coverage {
    /// A fault happened.
    pub fn fault(&mut self, fault: Fault) {
        *self.faults.entry(fault).or_default() += 1;
    }

    /// A situation occurred.
    pub fn danger(&mut self, danger: Danger) {
        *self.dangers.entry(danger).or_default() += 1;
    }
}
