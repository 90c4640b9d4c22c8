//! A driver says how a kind of device is opened, which decoder reads it, and which bytes make it
//! beep; the supervision around it is the same for all. It holds configuration only: handle and
//! decoder belong to the device's thread and are made anew at every opening.

use crate::decoder::Decoder;
use crate::transport::Opener;

/// One kind of device.
pub trait Driver: Send {
    /// How it is opened.
    fn opener(&self) -> Box<dyn Opener>;
    /// A fresh decoder for one opening.
    fn decoder(&self) -> Box<dyn Decoder>;
    /// The bytes that a command needs; empty if this device can't do it.
    fn encode(&self, command: &Command) -> Vec<u8>;
}

/// What the daemon may ask a device to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// The scan is durable: sound the good beep.
    Accepted,
    /// The scan is unknown or refused: sound the bad beep.
    Refused,
    /// Send these bytes as they are.
    Write(Vec<u8>),
}
