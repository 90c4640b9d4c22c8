//! What the simulated terminal is told to be and to do: vendor behaviour, faults, and its books.

use shelf_codecs::zvt::{Amount, result};

use crate::terminal_cable::Cut;

/// What the vendor does with an approval that the cash register never acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unacknowledged {
    /// Takes the money back, as the specification says.
    Reverses,
    /// Turns it into a declined transaction (no automatic reversal).
    BecomesDeclined,
    /// Keeps the money: the worst case, seen in the field.
    Stands,
}

/// What the terminal calls its last transaction after it reversed one by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LastAfterReversal {
    /// The reversal, with the trace number of what it reversed.
    Reversal,
    /// The transaction before.
    Before,
}

/// How a terminal that is still busy with a payment answers a new connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Busy {
    /// Every command is answered `84 9C`.
    Refuses,
    /// It registers and repeats the receipt before; only the status enquiry tells that it is busy.
    SaysSo,
}

/// How the terminal repeats its last receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    /// With status information.
    Normal,
    /// With a bare completion.
    Bare,
    /// With an amount one cent too high.
    WrongAmount,
}

/// The terminal's character. Times in milliseconds.
#[derive(Clone, Debug)]
pub struct TerminalConfig {
    /// Eight digits.
    pub terminal_id: u32,
    /// ISO 4217 numeric.
    pub currency: u16,
    /// See [`Unacknowledged`].
    pub unacknowledged: Unacknowledged,
    /// See [`LastAfterReversal`].
    pub last_after_reversal: LastAfterReversal,
    /// See [`Busy`].
    pub busy: Busy,
    /// See [`Repeat`].
    pub repeat: Repeat,
    /// A reversal takes back the last payment, whatever receipt number was asked for.
    pub reverses_last_only: bool,
    /// Each byte is written by itself.
    pub splits_writes: bool,
    /// T3 of the terminal: how long it waits for an answer.
    pub answer_ms_max: u64,
    /// Everything is said this much later.
    pub answer_delay_ms: u64,
    /// Second of the day at time 0, by the terminal's clock; its date stays 21 November.
    pub clock_s: u32,
    /// See [`Cut`].
    pub cut: Option<Cut>,
}

impl Default for TerminalConfig {
    fn default() -> Self {
        Self {
            terminal_id: 12_345_678,
            currency: 978,
            unacknowledged: Unacknowledged::Reverses,
            last_after_reversal: LastAfterReversal::Reversal,
            busy: Busy::Refuses,
            repeat: Repeat::Normal,
            reverses_last_only: false,
            splits_writes: false,
            answer_ms_max: 5_000,
            answer_delay_ms: 0,
            clock_s: 14 * 3600 + 30 * 60,
            cut: None,
        }
    }
}

/// How one payment goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScriptResult {
    /// The host approves.
    Approve,
    /// The host declines with this code.
    Decline(u8),
    /// The customer presses the red key.
    CustomerCancels,
}

/// When the terminal itself drops the connection during a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pull {
    /// Right after the approval was sent: the acknowledgement never arrives.
    BeforeStatusAcknowledged,
    /// Right after the acknowledgement arrived.
    AfterStatusAcknowledged,
}

/// The script of one payment or refund.
#[derive(Clone, Debug)]
pub struct PaymentScript {
    /// How it goes.
    pub result: ScriptResult,
    /// Intermediate status codes before the result.
    pub shows: Vec<u8>,
    /// How long customer and host take, milliseconds.
    pub thinks_ms: u64,
    /// How much later the command is acknowledged, milliseconds.
    pub accepts_after_ms: u64,
    /// How often an unacknowledged approval is said again.
    pub resends: u8,
    /// See [`Pull`].
    pub pull: Option<Pull>,
    /// A terminal that sends the whole card number (digits), in field 22 and on the receipt.
    pub unmasked_pan: Option<String>,
}

impl Default for PaymentScript {
    fn default() -> Self {
        Self {
            result: ScriptResult::Approve,
            shows: vec![0x0A, 0x17],
            thinks_ms: 2_000,
            accepts_after_ms: 0,
            resends: 0,
            pull: None,
            unmasked_pan: None,
        }
    }
}

impl PaymentScript {
    /// The host says no.
    #[must_use]
    pub fn declined() -> Self {
        Self {
            result: ScriptResult::Decline(0x05),
            ..Self::default()
        }
    }

    /// The customer says no.
    #[must_use]
    pub fn cancelled() -> Self {
        Self {
            result: ScriptResult::CustomerCancels,
            ..Self::default()
        }
    }

    pub(super) fn code(&self) -> u8 {
        match self.result {
            ScriptResult::Approve => result::OK,
            ScriptResult::Decline(code) => code,
            ScriptResult::CustomerCancels => result::ABORTED,
        }
    }
}

/// Which way the money of an entry went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BookedKind {
    /// From the customer.
    Payment,
    /// To the customer.
    Refund,
}

/// What became of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BookedState {
    /// The money moved.
    Stands,
    /// It was taken back.
    Reversed,
    /// It was turned into a declined one.
    Declined,
}

/// One entry of the terminal's own books.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Booked {
    /// Which way.
    pub kind: BookedKind,
    /// How much.
    pub amount: Amount,
    /// The trace number.
    pub trace: u32,
    /// The receipt number.
    pub receipt: u16,
    /// What became of it.
    pub state: BookedState,
    /// The cash register acknowledged the approval.
    pub acknowledged: bool,
}
