//! An ECR17 payment terminal: the other kind that a till may have.
//!
//! The core ([`Ecr17Terminal`]) takes bytes and virtual time; behind a TCP port or a pseudo-terminal it is
//! [`Ecr17Handle`]. It keeps its own books. As real ones it charges when the customer is done, whether or not
//! anybody still listens, says its result again when it is not acknowledged, and never takes money back by
//! itself.

mod server;
mod terminal;

pub use server::Ecr17Handle;
pub use terminal::{Ecr17Booked, Ecr17Config, Ecr17Script, Ecr17Terminal};
