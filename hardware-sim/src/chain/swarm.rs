//! What a seed's world is like: how many shops and PCs, what goes wrong in it, what people do.
//!
//! Swarm testing: each run has its own mix of faults, because a run with every fault at once
//! never gets far enough to show the rare ones.

use serde::Serialize;

use super::random::Random;

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$each:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name {
            $($(#[$each])* $variant,)*
        }

        impl $name {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Its word in reports.
            pub fn word(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)*
                }
            }
        }
    };
}
pub(super) use words;

words! {
    /// What can go wrong.
    Fault {
        /// Packets are lost.
        Loss = "loss",
        /// Packets come twice.
        Doubling = "duplication",
        /// Packets overtake each other.
        Reordering = "reordering",
        /// A shop's line is cut and everybody notices.
        WanCut = "wan_partition",
        /// The PCs of a shop don't hear each other.
        LanCut = "lan_partition",
        /// One PC is cut off.
        PcCut = "pc_partition",
        /// Packets pass in one direction only, and nobody notices.
        OneWay = "one_way_partition",
        /// A PC's program dies after a commit, before its effects.
        PcCrash = "pc_crash",
        /// A PC's program dies before a commit.
        PcLostCommit = "pc_lost_commit",
        /// The hub dies after a commit, before its effects.
        HubCrash = "hub_crash",
        /// The hub dies before a commit.
        HubLostCommit = "hub_lost_commit",
        /// A PC's disk goes back to an old image.
        DiskRestored = "disk_restored",
        /// Two PCs run from one disk.
        DiskCloned = "disk_cloned",
        /// Clocks go wrong by minutes.
        ClockSkew = "clock_skew",
        /// Clocks are set while the shop is open.
        ClockStep = "clock_step",
        /// A PC takes seconds for each commit.
        SlowDisk = "slow_disk",
        /// The hub's database goes back to an older backup.
        HubRestored = "hub_restored",
        /// PCs are switched off for hours.
        NightOff = "night_off",
        /// Documents that this version can't read.
        Poison = "poison_document",
        /// A PC that reads only the oldest format.
        OldFormat = "version_skew",
    }
}

/// The most stocked items of a shop.
pub const ITEMS_MAX: usize = 4;

/// What a run is made of.
#[derive(Clone, Debug, Serialize)]
pub struct Swarm {
    /// PCs of each shop.
    pub pcs: Vec<usize>,
    /// Stocked items of each shop.
    pub items: usize,
    /// Units of each item at the beginning, at most.
    pub stock_max: i64,
    /// What goes wrong.
    pub faults: Vec<Fault>,
    /// Packets lost, in percent.
    pub loss_percent: u64,
    /// Packets that come twice, in percent.
    pub doubling_percent: u64,
    /// The longest delay of a packet.
    pub delay_ms_max: u64,
    /// Crashes for a thousand transactions, of each kind that happens.
    pub crash_per_mille: u64,
    /// The longest time between two things that people do.
    pub gap_ms_max: u64,
    /// Whether each PC's configuration names its siblings' keys.
    pub keys_named: bool,
    /// Steps of people and fate.
    pub steps: u64,
    /// How eager people are for each kind of act.
    pub eagerness: Eagerness,
    /// Safety stock that the hub asks for.
    pub safety_stock: i64,
    /// Share of the stock that channels are shown, per mille of each channel.
    pub shares_per_mille: [u16; 3],
}

/// Relative frequencies of what people do.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Eagerness {
    /// Sales at tills.
    pub sell: u64,
    /// Goods receipts.
    pub receive: u64,
    /// Orders of customers.
    pub order: u64,
    /// Cancellations.
    pub cancel: u64,
    /// Picking, handing over, putting back.
    pub serve: u64,
    /// Counting.
    pub count: u64,
    /// Theft and breakage.
    pub shrink: u64,
    /// Transfers and other work that may be refused.
    pub transfer: u64,
    /// Payments of orders that are paid before they are picked.
    pub pay: u64,
    /// Orders that are changed.
    pub change: u64,
    /// Moves of the right to grant to another PC.
    pub move_role: u64,
    /// Faults.
    pub fate: u64,
}

impl Swarm {
    /// What this seed's world is like.
    pub fn of(random: &mut Random) -> Self {
        let shops = [1, 1, 1, 1, 1, 2, 2, 3][random.index(8)];
        let pcs = (0..shops)
            .map(|_| [1, 2, 2, 2, 3][random.index(5)])
            .collect();
        let faults: Vec<Fault> = Fault::ALL
            .iter()
            .copied()
            .filter(|it| random.percent(it.share_percent()))
            .collect();
        let has = |it| faults.contains(&it);
        Self {
            pcs,
            items: 2 + random.index(ITEMS_MAX - 1),
            stock_max: random.signed(2, 12),
            loss_percent: if has(Fault::Loss) {
                random.between(2, 30)
            } else {
                0
            },
            doubling_percent: if has(Fault::Doubling) {
                random.between(2, 30)
            } else {
                0
            },
            delay_ms_max: if has(Fault::Reordering) {
                random.between(500, 9_000)
            } else {
                40
            },
            crash_per_mille: random.between(2, 12),
            gap_ms_max: [300, 1_000, 3_000, 6_000][random.index(4)],
            keys_named: random.percent(50),
            steps: random.between(110, 190),
            eagerness: Eagerness {
                sell: random.between(8, 30),
                receive: random.between(2, 8),
                order: random.between(10, 30),
                cancel: random.between(1, 8),
                serve: random.between(4, 16),
                count: random.below(5),
                shrink: random.below(3),
                transfer: random.below(5),
                pay: random.between(2, 8),
                change: random.below(4),
                move_role: [0, 0, 1, 2][random.index(4)],
                fate: random.between(2, 12),
            },
            safety_stock: random.signed(0, 3),
            shares_per_mille: [
                [1000, 300, 300],
                [500, 300, 200],
                [800, 0, 400],
                [1000, 1000, 1000],
            ][random.index(4)],
            faults,
        }
    }

    /// Whether something can go wrong here.
    pub fn has(&self, fault: Fault) -> bool {
        self.faults.contains(&fault)
    }
}

impl Fault {
    /// In how many worlds of a hundred it happens.
    fn share_percent(self) -> u64 {
        match self {
            Self::Loss | Self::Doubling | Self::Reordering | Self::WanCut => 45,
            Self::DiskCloned | Self::HubRestored | Self::OldFormat => 10,
            Self::SlowDisk | Self::Poison | Self::NightOff => 15,
            Self::DiskRestored => 22,
            _ => 25,
        }
    }
}
