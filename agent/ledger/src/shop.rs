//! What a PC keeps beside the documents: open baskets, payment intents, the inbox, settings and
//! the catalogue.
//!
//! Small rows with a narrow interface each. Changes are methods of [`crate::Tx`], queries of
//! [`crate::Read`]. Nothing here is replicated by itself and nothing here moves stock.

pub(crate) mod baskets;
pub(crate) mod catalogue;
pub(crate) mod inbox;
pub(crate) mod payments;
pub(crate) mod settings;
