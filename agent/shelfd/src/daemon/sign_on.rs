//! What a badge does at its till: it signs its owner on, or off again; a manager's approves what waits for
//! a manager. Who is signed on stands in the documents of the baskets that they begin.

use std::path::Path;

use shelf_stock::name::StaffId;
use shelf_till::basket::{LineNo, TillInput, TillView};

use super::counter::{Counter, CounterError};
use super::pins;

/// What became of a badge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Done {
    /// Its owner is signed on.
    On,
    /// Its owner is signed off.
    Off,
    /// So many rows were approved.
    Approved(usize),
}

/// A known badge was shown at this till.
pub(crate) fn shown(
    counter: &Counter,
    staff: StaffId,
    managers: Option<&Path>,
) -> Result<Done, CounterError> {
    let shown = counter.view();
    let waiting = waiting(&shown.view);
    if !waiting.is_empty() && pins::is_manager(managers, &staff) {
        for line in &waiting {
            let (line, staff) = (*line, staff.clone());
            counter.input(TillInput::ApproveLine { line, staff })?;
        }
        return Ok(Done::Approved(waiting.len()));
    }
    let is_on = shown.view.staff.as_ref() == Some(&staff);
    counter.input(TillInput::SetStaff((!is_on).then_some(staff)))?;
    Ok(if is_on { Done::Off } else { Done::On })
}

/// Rows that wait for a manager.
fn waiting(view: &TillView) -> Vec<LineNo> {
    let lines = view.basket.iter().flat_map(|it| &it.lines);
    lines
        .filter(|it| it.needs_approval())
        .map(|it| it.no)
        .collect()
}
