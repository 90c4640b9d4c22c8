//! The suite that every storage passes, so that the machines may rely on one meaning of [`Store`].
//!
//! An implementation writes a [`Subject`] around itself and calls [`suite`] in a test. The suite
//! panics with the name of the check that failed. It includes rollbacks: a transaction that is
//! dropped must leave nothing behind.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a suite of checks fails by panicking"
)]

mod author;
mod checks;
mod closing;

pub use author::Author;

use crate::store::Store;

/// A storage under test.
pub trait Subject {
    /// The storage's error.
    type Error: std::error::Error + Send + Sync + 'static;

    /// Begins anew with an empty shop.
    fn reset(&mut self);

    /// Runs a body in one transaction, and commits it or rolls it back.
    fn transaction(
        &mut self,
        commit: bool,
        body: &mut dyn FnMut(&mut dyn Store<Error = Self::Error>),
    );
}

/// Runs every check, each on an empty shop.
pub fn suite<S: Subject>(subject: &mut S) {
    for (name, check) in checks::all::<S>() {
        subject.reset();
        let outcome =
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| check(&mut *subject)));
        if let Err(cause) = outcome {
            let text = cause
                .downcast_ref::<String>()
                .map_or("see above", String::as_str);
            panic!("conformance check `{name}` failed: {text}");
        }
    }
}
