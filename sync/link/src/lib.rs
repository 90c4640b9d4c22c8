//! Links: payloads between a PC and the hub, by MQTT or inside one process.
//!
//! A link is a lossy pipe that loses little. It moves payloads and says what it sees; it decides
//! nothing, stores nothing and never retries a payload: what counts as delivered is said by the
//! other side's machine (`shelf-replica`), after its commit. Nothing here may block a sender, and
//! every queue has a limit.

#![forbid(unsafe_code)]

pub mod memory;
pub mod mqtt;

use std::future::Future;

use shelf_wire::topic::Topic;

/// The most payloads that wait to be sent; then [`SendError::Full`].
pub const OUTGOING_FRAMES_MAX: usize = 64;
/// The most events that wait to be received; then the transport is held back.
pub const EVENTS_MAX: usize = 256;

/// A payload with its topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Where it is said.
    pub topic: Topic,
    /// What is said: a packed message of `shelf-wire`.
    pub payload: Vec<u8>,
}

/// What a link sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Connected, and subscribed to everything that it should hear.
    Up,
    /// Not connected any more, or not able to connect. It goes on trying.
    Down {
        /// Why, for a page and a log.
        reason: String,
    },
    /// A payload came.
    Frame(Frame),
    /// The broker took a payload that nobody listens to: there is no hub behind it.
    NobodyListens,
    /// The broker refused a payload, which is lost.
    Refused {
        /// Why, in the broker's words.
        reason: String,
    },
    /// The link has ended; nothing comes after this.
    Closed,
}

/// A payload was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// [`OUTGOING_FRAMES_MAX`] payloads are waiting already.
    #[error("too many payloads wait to be sent")]
    Full,
    /// There is no connection.
    #[error("the link is down")]
    Down,
}

/// A way to the other side.
pub trait Link: Send {
    /// Queues a payload. Never waits. A payload that was taken may still be lost.
    fn send(&self, frame: Frame) -> Result<(), SendError>;

    /// The next event. May be dropped and called again without losing one.
    fn recv(&mut self) -> impl Future<Output = Event> + Send;
}
