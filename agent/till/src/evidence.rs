//! One source per till moves stock; all others are evidence.
//!
//! Two sources that both counted would sell everything twice. Which one counts is configuration,
//! never a guess from what arrives; a source that doesn't count still writes what it saw, as a
//! document that moves nothing, for the day's reconciliation.

use serde::{Deserialize, Serialize};
use shelf_stock::document::{Draft, Kind};
use shelf_stock::name::{NameError, Reason};

/// Where a till's sales come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SalesSource {
    /// Our own till page.
    #[default]
    Basket,
    /// Calls of the local API.
    Api,
    /// Dropped files.
    File,
    /// The copy of what goes to the receipt printer.
    Tee,
    /// What an existing till and its payment terminal say to each other: payments without goods, so
    /// evidence always.
    Tap,
}

impl SalesSource {
    /// Its word in configuration and evidence.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Basket => "basket",
            Self::Api => "api",
            Self::File => "file",
            Self::Tee => "tee",
            Self::Tap => "tap",
        }
    }
}

/// What becomes of a draft from one source at a till that is configured for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It moves stock.
    Sale,
    /// It only says so.
    Evidence,
}

/// Which role `source` has at a till whose sales come from `configured`.
pub fn evidence_or_sale(source: SalesSource, configured: SalesSource) -> Role {
    if source == configured {
        Role::Sale
    } else {
        Role::Evidence
    }
}

/// A draft in its role: unchanged, or as evidence of its source with the same lines, tenders and
/// source key. Evidence never competes for the key.
pub fn in_role(mut draft: Draft, source: SalesSource, role: Role) -> Result<Draft, NameError> {
    if role == Role::Evidence {
        draft.kind = Kind::Evidence {
            about: Reason::new(source.as_str())?,
        };
    }
    Ok(draft)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_configured_source_moves_stock() {
        use SalesSource::{Api, Basket, File, Tap, Tee};
        for source in [Basket, Api, File, Tee, Tap] {
            for configured in [Basket, Api, File, Tee, Tap] {
                let role = evidence_or_sale(source, configured);
                assert_eq!(role == Role::Sale, source == configured);
                let draft = in_role(Draft::new(Kind::Sale), source, role).unwrap();
                assert_eq!(draft.kind == Kind::Sale, source == configured);
            }
        }
    }
}
