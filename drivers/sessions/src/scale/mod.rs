//! Weighing: ask until the plate is at rest, and give one weight or the reason why there is none.
//!
//! Polled scales are asked again while the plate moves; scales that speak by themselves are listened to. A
//! weight comes from an answer to *this* question, with one exception: a scale that tells each weight once
//! answers "nothing new", and then the weight it told before still lies on the plate. The machine never
//! keeps a weight across a disconnect, never turns an error into zero, and never asks a port of another
//! device: it asks only when somebody weighs.
//!
//! Duties of the shell: perform effects in order, call [`Input::Tick`] at the time of the last
//! [`Effect::SetTimer`], say [`Input::Disconnected`] when the port is gone.

mod session;

#[cfg(test)]
mod tests;

pub use session::{Changed, Effect, Input, Limits, Outcome, Session};
