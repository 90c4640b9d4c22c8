//! A fact before it has a place, and what may be written at all: bounded, quantities above zero, goods that
//! really move, counts of places inside the store.

use serde::{Deserialize, Serialize};

use super::opening::validate_carried;
use super::{
    CountLine, CountScope, DOCUMENT_LINES_MAX, DOCUMENT_TENDERS_MAX, GROUP_PARTS_MAX, Group, Kind,
    Line, OrderStep, SourceKey, Tender,
};
use crate::item::Part;
use crate::location::Location;
use crate::name::{StaffId, TillId};
use crate::quantity::Quantity;

/// A fact before it has a place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draft {
    /// What kind of fact.
    pub kind: Kind,
    /// Who did it, as an opaque id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub staff: Option<StaffId>,
    /// At which till.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub till: Option<TillId>,
    /// The source's own identity of it: the same fact reported again has the same key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<SourceKey>,
    /// Ties the parts of a larger fact together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<Group>,
    /// What moved.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<Line>,
    /// What paid for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tenders: Vec<Tender>,
}

/// A draft can't become a document.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DraftError {
    /// More lines than one document may have.
    #[error(
        "a document has {lines} lines; at most {DOCUMENT_LINES_MAX} fit: split it into a group"
    )]
    Lines {
        /// How many there are.
        lines: usize,
    },
    /// More tenders than one sale may have.
    #[error("a sale has {tenders} tenders; at most {DOCUMENT_TENDERS_MAX} fit")]
    Tenders {
        /// How many there are.
        tenders: usize,
    },
    /// A quantity that no line may have.
    #[error("line {line} has the quantity {quantity}, which is not above zero or too large")]
    Quantity {
        /// Which line, from 1.
        line: usize,
        /// What it says.
        quantity: Quantity,
    },
    /// Goods that go nowhere.
    #[error("line {line} moves goods from {location} to itself")]
    Standstill {
        /// Which line, from 1.
        line: usize,
        /// Where.
        location: Location,
    },
    /// Nobody can count there.
    #[error("line {line} counts goods at {location}, which is no place inside the store")]
    Uncountable {
        /// Which line, from 1 (0: the close of a session).
        line: usize,
        /// Where.
        location: Location,
    },
    /// An opening inside of an opening.
    #[error("an opening carries another opening, which it has to sum up instead")]
    Nested,
    /// No such part of a group.
    #[error(
        "part {index} of a group of {of} can't be: parts run from 0 and at most \
         {GROUP_PARTS_MAX} fit"
    )]
    Group {
        /// Which part.
        index: u32,
        /// Of how many.
        of: u32,
    },
}

impl Draft {
    /// A draft of some kind with nothing in it.
    pub fn new(kind: Kind) -> Self {
        Self {
            kind,
            staff: None,
            till: None,
            source: None,
            group: None,
            lines: Vec::new(),
            tenders: Vec::new(),
        }
    }

    /// Whether it may be written: bounded, quantities above zero, goods that really move, counts
    /// of places inside the store.
    pub fn validate(&self) -> Result<(), DraftError> {
        if let Some(Group { index, of, .. }) = self.group
            && (index >= of || of > GROUP_PARTS_MAX)
        {
            return Err(DraftError::Group { index, of });
        }
        let lines = self.lines.len() + listed(&self.kind);
        if lines > DOCUMENT_LINES_MAX {
            return Err(DraftError::Lines { lines });
        }
        let tenders = self.tenders.len();
        if tenders > DOCUMENT_TENDERS_MAX {
            return Err(DraftError::Tenders { tenders });
        }
        for (number, line) in (1..).zip(&self.lines) {
            validate_line(number, line)?;
        }
        match &self.kind {
            Kind::Count { counted, .. } => validate_counted(counted),
            Kind::CountClose { location, .. } => validate_countable(0, location),
            Kind::Bind { parts, .. } => validate_parts(parts),
            Kind::Order {
                step: OrderStep::Short { missing },
                ..
            } => validate_parts(missing),
            Kind::Opening { carried, .. } => validate_carried(carried),
            _ => Ok(()),
        }
    }
}

/// What a kind lists beside the document's lines.
fn listed(kind: &Kind) -> usize {
    match kind {
        Kind::Count { counted, .. } => counted.len(),
        Kind::Bind { parts, .. } => parts.len(),
        Kind::Order {
            step: OrderStep::Short { missing },
            ..
        } => missing.len(),
        Kind::CountClose {
            scope: CountScope::Listed(items),
            ..
        } => items.len(),
        Kind::Opening {
            closed,
            claims,
            carried,
        } => closed.len() + claims.len() + carried.len(),
        _ => 0,
    }
}

fn validate_line(number: usize, line: &Line) -> Result<(), DraftError> {
    let parts_fit = line.parts.iter().all(|it| it.quantity.fits_a_line());
    if !line.quantity.fits_a_line() || !parts_fit {
        return Err(DraftError::Quantity {
            line: number,
            quantity: line.quantity,
        });
    }
    if line.from == line.to {
        return Err(DraftError::Standstill {
            line: number,
            location: line.from.clone(),
        });
    }
    Ok(())
}

fn validate_countable(line: usize, location: &Location) -> Result<(), DraftError> {
    if location.is_countable() {
        return Ok(());
    }
    let location = location.clone();
    Err(DraftError::Uncountable { line, location })
}

/// Zero is a finding, so it may stand on a line of a count.
fn validate_counted(counted: &[CountLine]) -> Result<(), DraftError> {
    for (line, it) in (1..).zip(counted) {
        let quantity = it.quantity;
        if quantity != Quantity::ZERO && !quantity.fits_a_line() {
            return Err(DraftError::Quantity { line, quantity });
        }
        validate_countable(line, &it.location)?;
    }
    Ok(())
}

fn validate_parts(parts: &[Part]) -> Result<(), DraftError> {
    for (line, it) in (1..).zip(parts) {
        let quantity = it.quantity;
        if !quantity.fits_a_line() {
            return Err(DraftError::Quantity { line, quantity });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::Subject;
    use crate::name::{AreaId, GroupId, ItemId, SessionId};
    use crate::time::Timestamp;

    fn count(location: Location, units: i64) -> Draft {
        Draft::new(Kind::Count {
            session: SessionId::new("s").unwrap(),
            area: AreaId::new("a").unwrap(),
            counted: vec![CountLine {
                item: ItemId::new("tea").unwrap(),
                location,
                quantity: Quantity::units(units),
                effective: Timestamp::default(),
            }],
        })
    }

    #[test]
    fn what_may_not_be_written() {
        let line = Line {
            subject: Subject::Open,
            quantity: Quantity::ONE,
            from: Location::SalesFloor,
            to: Location::Customer,
            effective: Timestamp::default(),
            unit_price: None,
            amount: None,
            parts: vec![],
            code: None,
            reason: None,
        };
        let mut fits = Draft::new(Kind::Sale);
        fits.lines = vec![line; DOCUMENT_LINES_MAX];
        assert_eq!(fits.validate(), Ok(()));
        assert_eq!(count(Location::Damaged, 0).validate(), Ok(()));

        let mut draft = fits.clone();
        draft.lines.push(draft.lines[0].clone());
        assert_eq!(draft.validate(), Err(DraftError::Lines { lines: 501 }));
        let mut draft = fits.clone();
        draft.lines[2].to = Location::SalesFloor;
        assert!(matches!(
            draft.validate(),
            Err(DraftError::Standstill { line: 3, .. })
        ));
        let mut draft = fits.clone();
        draft.lines[1].quantity = Quantity::ZERO;
        assert!(matches!(
            draft.validate(),
            Err(DraftError::Quantity { line: 2, .. })
        ));
        let mut draft = fits;
        draft.group = Some(Group {
            id: GroupId::new("g").unwrap(),
            index: 2,
            of: 2,
        });
        assert_eq!(draft.validate(), Err(DraftError::Group { index: 2, of: 2 }));
        assert!(matches!(
            count(Location::Customer, 1).validate(),
            Err(DraftError::Uncountable { line: 1, .. })
        ));
        assert!(matches!(
            count(Location::SalesFloor, -1).validate(),
            Err(DraftError::Quantity { line: 1, .. })
        ));
    }
}
