//! How a fixed reader misbehaves, each seen on a real one or feared of it.

use std::str::FromStr;

/// One way to misbehave, once or from here on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LlrpFault {
    /// `cut`: the next report breaks off in its middle, and the connection with it.
    Cut,
    /// `drop`: the connection ends between two messages.
    Drop,
    /// `close`: it says that it closes, then does.
    Close,
    /// `silence`: it says nothing more, but keeps the connection.
    Silence,
    /// `speak`: ends `silence`.
    Speak,
    /// `slow`: a segment for each byte, from here on.
    Slow,
    /// `garbage`: unknown parameters and a vendor's in every report, from here on.
    Garbage,
    /// `new`: fields of LLRP 1.1 in every report, from here on.
    New,
    /// `noise`: bytes that are no message.
    Noise,
    /// `taken`: it belongs to another client, whoever connects.
    Taken,
    /// `free`: ends `taken`.
    Free,
    /// `overflow`: its buffer was full and reports are lost.
    Overflow,
    /// `antenna-gone N` and `antenna-back N`.
    Antenna(u16, bool),
    /// `stray-errors`: an error with a strange id before each answer, from here on.
    StrayErrors,
    /// `clock-2000`: its clock stands at the beginning of the year 2000.
    Clock2000,
    /// `double`: EPCs as the text of their digits, from here on.
    Double,
    /// `refuse-work`: every ROSpec is refused, from here on.
    RefuseSpecs,
}

impl FromStr for LlrpFault {
    type Err = ();

    fn from_str(words: &str) -> Result<Self, ()> {
        let mut words = words.split_whitespace();
        let fault = match words.next().ok_or(())? {
            "cut" => Self::Cut,
            "drop" => Self::Drop,
            "close" => Self::Close,
            "silence" => Self::Silence,
            "speak" => Self::Speak,
            "slow" => Self::Slow,
            "garbage" => Self::Garbage,
            "new" => Self::New,
            "noise" => Self::Noise,
            "taken" => Self::Taken,
            "free" => Self::Free,
            "overflow" => Self::Overflow,
            word @ ("antenna-gone" | "antenna-back") => {
                let antenna = words.next().ok_or(())?.parse().map_err(|_| ())?;
                Self::Antenna(antenna, word == "antenna-back")
            }
            "stray-errors" => Self::StrayErrors,
            "clock-2000" => Self::Clock2000,
            "double" => Self::Double,
            "refuse-work" => Self::RefuseSpecs,
            _ => return Err(()),
        };
        words.next().is_none().then_some(fault).ok_or(())
    }
}
