//! Device dialogues as machines without IO: they take inputs and the time, and say what is to be done.
//!
//! They decide when money may be taken and when a sale must be durable, so they are tested against
//! simulators in virtual time, with the cable pulled at every byte. They must never read a clock, touch
//! a socket or decide what a sale means to the stock.

pub mod ecr17;
pub mod llrp;
pub mod oem;
pub mod payment;
pub mod presence;
pub mod printer;
pub mod scale;
pub mod ssi;
pub mod time;
pub mod uhf;
pub mod zvt;
