//! The pages: rendered here, kept live by one small script, in every language that we speak.
//!
//! Functions from values to markup; they read no clock and no ledger, and everything that a
//! person or a document said is escaped by the template. Scripts and styles are files of our own:
//! the content policy refuses anything inline.

pub(crate) mod count;
pub(crate) mod devices;
pub(crate) mod explain;
pub(crate) mod layout;
pub(crate) mod orders;
pub(crate) mod rfid;
pub(crate) mod speech;
pub(crate) mod status;
pub(crate) mod terminal;
pub(crate) mod texts;
pub(crate) mod till;
mod zones;

/// A file that pages load.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asset {
    /// Its name under `/static/`.
    pub(crate) name: &'static str,
    /// Its media type.
    pub(crate) kind: &'static str,
    /// What is in it.
    pub(crate) content: &'static str,
}

/// Every file that pages load.
pub(crate) const ASSETS: [Asset; 3] = [
    Asset {
        name: "style.css",
        kind: "text/css; charset=utf-8",
        content: include_str!("assets/style.css"),
    },
    Asset {
        name: "live.js",
        kind: "text/javascript; charset=utf-8",
        content: include_str!("assets/live.js"),
    },
    Asset {
        name: "icon.svg",
        kind: "image/svg+xml",
        content: include_str!("assets/icon.svg"),
    },
];
