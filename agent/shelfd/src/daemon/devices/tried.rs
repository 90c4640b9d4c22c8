//! What a person may try at a device, from the page or the API: a beep, a weight, a line of text. None of
//! it moves stock or money.

use std::str::FromStr;

use shelf_devices::driver::Command;

/// The number of a weighing that nobody sells by: tills count theirs from 1.
pub(crate) const TEST_QUESTION: u64 = 0;

/// One thing to try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tried {
    /// The good beep.
    BeepGood,
    /// The bad beep.
    BeepBad,
    /// What lies on the scale.
    Weigh,
    /// An RFID reader begins to read.
    Read,
}

impl Tried {
    /// Every one.
    pub(crate) const ALL: [Self; 4] = [Self::BeepGood, Self::BeepBad, Self::Weigh, Self::Read];

    /// As the API writes it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::BeepGood => "beep_good",
            Self::BeepBad => "beep_bad",
            Self::Weigh => "weigh",
            Self::Read => "read",
        }
    }

    /// The key of its button's text.
    pub(crate) fn button(self) -> &'static str {
        match self {
            Self::BeepGood => "try_beep_good",
            Self::BeepBad => "try_beep_bad",
            Self::Weigh => "try_weigh",
            Self::Read => "try_read",
        }
    }

    /// The key of what is said once it was asked for.
    pub(crate) fn said(self) -> &'static str {
        match self {
            Self::BeepGood | Self::BeepBad => "tried_beep",
            Self::Weigh => "tried_weigh",
            Self::Read => "tried_read",
        }
    }

    /// Whether this kind of device, as a configuration writes it, can do that.
    pub(crate) fn fits(self, kind: &str) -> bool {
        match self {
            Self::BeepGood | Self::BeepBad => matches!(
                kind,
                "scanner" | "hid_scanner" | "ssi_scanner" | "counter_scanner"
            ),
            Self::Weigh => matches!(kind, "scale" | "counter_scanner"),
            Self::Read => matches!(kind, "llrp_reader" | "uhf_reader"),
        }
    }

    /// What the device is told.
    pub(crate) fn command(self) -> Command {
        match self {
            Self::BeepGood => Command::Accepted,
            Self::BeepBad => Command::Refused,
            Self::Weigh => Command::Weigh {
                question: TEST_QUESTION,
                unit_price_minor: None,
            },
            Self::Read => Command::StartReading,
        }
    }
}

impl FromStr for Tried {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|it| it.word() == text);
        found.ok_or_else(|| {
            let known = Self::ALL.map(Self::word).join(", ");
            format!("`{text}` can't be tried: there are {known}")
        })
    }
}
