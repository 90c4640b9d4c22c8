//! A driver says how a kind of device is opened and which dialogue is had with it; the supervision
//! around it is the same for all. It holds configuration, and what must outlive an opening; handle
//! and dialogue belong to the device's thread and are made anew at every opening.

use crate::dialogue::Dialogue;
use crate::raw::RawForm;
use crate::transport::Opener;

/// One kind of device.
pub trait Driver: Send {
    /// How it is opened.
    fn opener(&self) -> Box<dyn Opener>;
    /// A fresh dialogue for one opening; asked for when the device is open.
    fn dialogue(&self) -> Box<dyn Dialogue>;
    /// How its bytes are journaled beside what they mean; none where that could give away what must stay secret.
    fn raw_form(&self) -> RawForm {
        RawForm::None
    }
}

/// What the daemon may ask a device to do. A kind that can't do it ignores it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// The scan is durable: sound the good beep.
    Accepted,
    /// The scan is unknown or refused: sound the bad beep.
    Refused,
    /// Send these bytes as they are.
    Write(Vec<u8>),
    /// Weigh what lies on the scale; answered by one
    /// [`Weighing`](crate::weighing::Weighing) with this question's number.
    Weigh {
        /// Drawn by whoever asks.
        question: u64,
        /// Price of a kilogram in minor units, which price-computing scales need; others ignore it.
        unit_price_minor: Option<u32>,
    },
    /// Nobody waits for the weight any more.
    StopWeighing,
    /// Let a scanner scan, or not: a till that is locked, a counter that is closed.
    Enable(bool),
    /// Show these lines on a customer display.
    Show {
        /// The upper line.
        upper: String,
        /// The lower line.
        lower: String,
    },
    /// Print these bytes, in the printer's own language.
    Print(Vec<u8>),
    /// Open the cash drawer.
    OpenDrawer,
    /// Let an RFID reader read tags.
    StartReading,
    /// Leave an RFID reader quiet.
    StopReading,
    /// Begin the conversation anew, as after an opening.
    Reset,
}
