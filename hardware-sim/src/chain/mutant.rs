//! Planted errors: the protocol with one thing wrong. A checker that doesn't find them proves
//! nothing.
//!
//! Each is planted from outside (frames that are changed, storage that is touched, steps that are
//! left out), so that the machines that ship have no hole for it. Each names the rules that it
//! breaks: one that is found by another rule is not found.

use super::random::Random;
use super::swarm::{Fault, Swarm, words};

words! {
    /// What is wrong.
    Mutant {
        /// Effects leave before the transaction is committed.
        AckBeforeCommit = "ack_before_commit",
        /// What the transport accepted counts as acked.
        CursorOnPuback = "cursor_on_puback",
        /// What was sent once is never sent again.
        ResendSkips = "resend_skips",
        /// The hub acks a batch in spite of a gap before it.
        AckOverGap = "ack_over_gap",
        /// A lost connection counts everything as delivered.
        DropOnLinkDown = "dropped_cursor",
        /// The hub changes what it relays, and nobody looks at signatures.
        RelayForges = "relay_forges",
        /// A sibling changes what it relays, and nobody looks at signatures.
        LanRelayForges = "lan_relay_forges",
        /// A sibling's word moves the hub's cursor.
        LanCursor = "lan_moves_hub_cursor",
        /// A restored disk goes on in its old incarnation.
        NoEpoch = "noepoch",
        /// Orders are accepted without looking at what is free.
        NoCheck = "nocheck",
        /// Each line of a basket is looked at by itself, not their sum.
        PerLineCheck = "basket_per_line",
        /// Between reading a quota and writing it somebody else writes.
        QuotaNotAtomic = "quota_not_atomic",
        /// A marketplace's lower level counts before the marketplace has it.
        LoweredTooEarly = "lowered_too_early",
        /// Grants travel as increments.
        Delta = "delta",
        /// Levels are ordered by their bare number, whatever the fencing number.
        BareSeq = "bareseq",
        /// Rows of an older fencing number count.
        OldEpoch = "old_epoch",
        /// A cancelled order goes on at the store.
        LateTerminal = "lateterminal",
        /// The hub returns more than is free.
        Recall = "recall",
        /// A restored store grants before its lost documents are back.
        NoHandshake = "nohandshake",
        /// A store grants what its floor needs itself.
        GrantsAll = "grants_all",
        /// T of a restored hub is what its backup says.
        OldReturned = "returned_from_backup",
        /// A restored hub sells before channels have told what they sold.
        ReconcileSkipped = "reconcile_skipped",
        /// Bundles are sold at the till as if they were an item.
        BundleWhole = "bundle_not_exploded",
        /// A receipt that two PCs report is two receipts.
        ReceiptTwice = "receipt_twice",
        /// Counts stay open, so that they never count.
        CountNotClosed = "count_not_closed",
        /// Counted lines carry the time when the session began, not when they were scanned.
        CountAtStart = "count_at_session_start",
        /// A page of orders counts as taken although a row of it is missing.
        OrderRowLost = "order_row_lost",
        /// An order that isn't paid is picked.
        UnpaidPicked = "unpaid_picked",
        /// What couldn't be delivered leaves no record.
        CompensationNever = "compensation_never",
        /// What couldn't be delivered leaves two records.
        CompensationTwice = "compensation_twice",
    }
}

impl Mutant {
    /// The rules that it breaks, by their names in the design; `shelf`: the books against the
    /// oracle's shelves, `order`: what a customer was told against what he got.
    pub fn breaks(self) -> &'static [&'static str] {
        match self {
            Self::AckBeforeCommit
            | Self::CursorOnPuback
            | Self::AckOverGap
            | Self::DropOnLinkDown
            | Self::LanCursor => &["I12"],
            Self::ResendSkips => &["I15"],
            Self::RelayForges | Self::LanRelayForges | Self::NoEpoch => &["I7"],
            Self::NoCheck
            | Self::PerLineCheck
            | Self::QuotaNotAtomic
            | Self::LoweredTooEarly
            | Self::Recall => &["I1"],
            Self::Delta | Self::OldReturned => &["I2"],
            Self::BareSeq => &["I6"],
            Self::OldEpoch => &["I14"],
            Self::LateTerminal | Self::OrderRowLost => &["I11"],
            Self::NoHandshake | Self::GrantsAll => &["I3"],
            Self::ReconcileSkipped => &["I8"],
            Self::BundleWhole | Self::ReceiptTwice | Self::CountNotClosed | Self::CountAtStart => {
                &["shelf"]
            }
            Self::UnpaidPicked => &["order"],
            Self::CompensationNever | Self::CompensationTwice => &["I6"],
        }
    }

    fn needs(self) -> &'static [Fault] {
        match self {
            Self::AckBeforeCommit => &[Fault::HubLostCommit],
            Self::CursorOnPuback | Self::ResendSkips => &[Fault::Loss],
            Self::AckOverGap => &[Fault::Loss, Fault::Reordering],
            Self::DropOnLinkDown => &[Fault::Loss, Fault::WanCut],
            Self::LanRelayForges => &[Fault::PcCut],
            Self::NoEpoch => &[Fault::DiskRestored],
            Self::Delta => &[Fault::Doubling],
            Self::BareSeq | Self::NoHandshake => &[Fault::DiskRestored, Fault::Loss],
            Self::OldEpoch => &[Fault::PcCrash, Fault::Doubling, Fault::Reordering],
            Self::OldReturned => &[Fault::HubRestored],
            Self::ReconcileSkipped => &[Fault::HubRestored, Fault::WanCut],
            Self::LanCursor => &[Fault::WanCut],
            _ => &[],
        }
    }

    /// A world in which the error does harm: what is provoked is what the error is about.
    pub fn provoke(self, swarm: &mut Swarm, random: &mut Random) {
        let faults = self.needs();
        for fault in faults {
            if !swarm.has(*fault) {
                swarm.faults.push(*fault);
            }
        }
        if faults.contains(&Fault::Loss) {
            swarm.loss_percent = random.between(10, 30);
        }
        if faults.contains(&Fault::Doubling) {
            swarm.doubling_percent = random.between(10, 30);
        }
        if faults.contains(&Fault::Reordering) {
            swarm.delay_ms_max = random.between(2_000, 9_000);
        }
        // One shop is enough, and quicker.
        swarm.pcs = vec![if self == Self::LanRelayForges { 3 } else { 2 }];
        swarm.crash_per_mille = swarm.crash_per_mille.max(8);
        swarm.eagerness.fate = swarm.eagerness.fate.max(8);
    }
}
