//! The machine of one till: inputs in, ordered effects out.
//!
//! Every durable change is a [`BasketEvent`]; what the page shows is a function of the persisted
//! events (and of a few volatile hints that say so). The rule that carries everything: an effect
//! may be released only after every [`TillEffect::Persist`] before it is durable. A shell that
//! can't persist an event drops the effects behind it, rebuilds the machine with
//! [`Till::restore`] and reports [`TillInput::StorageFailed`].
//!
//! Consecutive `Persist` effects may share a transaction; so may `Record` and the clearing of its
//! basket's events, which *must* share one.

pub mod draft;
pub mod effect;
pub mod event;
pub mod id;
pub mod input;
pub mod line;
pub mod payment;
pub mod state;
pub mod view;

mod alerts;
mod paying;
mod recording;
mod scanning;
mod till;

pub use effect::{Sound, TillEffect, What};
pub use event::{BasketEvent, Change};
pub use id::{BasketId, FreshId, IntentId};
pub use input::{
    Origin, Outcome, PayWith, PriceTarget, Read, ReadItem, RefusedKind, TillInput, Update,
};
pub use line::{BasketLine, Direction, Goods, LineNo, PriceOrigin, StockFlag};
pub use paying::PAYMENTS_MAX;
pub use payment::{Payment, PaymentKind, PaymentState};
pub use recording::{CONFIRMED_MAX, REASON_PAYMENT_REVERSED};
pub use scanning::{
    BASKET_LINES_MAX, KEYED_PRICE_MINOR_MAX, PARKED_BASKETS_MAX, TEXT_CHARS_MAX,
    UNKNOWN_CODE_CHARS_MIN,
};
pub use state::{Basket, Stage};
pub use till::{ALERTS_MAX, DUPLICATE_GUARD_MS_DEFAULT, Fiscal, Till, TillConfig};
pub use view::{Alert, BasketView, LastSale, Mode, Notice, Refusal, TillView};
