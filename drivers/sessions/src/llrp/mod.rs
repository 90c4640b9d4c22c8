//! The client's side of a fixed RFID reader: connect, set up, keep alive, and lose no read.
//!
//! The reader holds its reports until we ask for them, and we ask only when the ledger can take them
//! ([`Input::SinkReady`]). A reader that still does our work is not set up again, for that would throw away
//! what it has gathered while we were away. Nothing is sent before the reader has greeted; an answer counts
//! by its message id alone; every silence has an end, every retry a pause. Reads go straight from the bytes
//! to the shell's [`ReadSink`], nothing allocated for a tag.
//!
//! Duties of the shell: perform effects in order; call [`Input::Tick`] at the time of the last
//! [`Effect::SetTimer`]; give bytes as they come, since a keep-alive is answered from them; after
//! [`Effect::Disconnect`] give no bytes of the old connection and no [`Input::Disconnected`] for it; write a
//! [`Effect::Gap`] into the ledger, for reads were lost there. The machine must never wait for the sink
//! before it answers a keep-alive, and never take a missing field for zero.

mod clock;
mod dialogue;
mod interface;
mod report;
mod session;
mod setup;
mod work;

#[cfg(test)]
mod tests;

pub use clock::TimeSource;
pub use interface::{
    Config, Effect, Gap, Input, Now, ReadSink, SetupStep, State, TagRead, Trouble,
};
pub use session::Session;
pub use work::presence_work;
