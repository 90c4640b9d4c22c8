//! Keeping balances, anchors and variances consistent when a movement or a count comes or goes.
//!
//! Book = anchor + movements after the cut. A variance is a derived movement between loss and the
//! location, so the sum over all locations stays zero. A movement before the cut is already in
//! the anchor: it changes the variance, that is loss, and not the location's balance.

use super::count::{self, CountState};
use super::store::{FoldStore, MovementRow, Step};
use crate::location::Location;
use crate::name::ItemId;
use crate::order::OrderKey;
use crate::quantity::Quantity;

/// Whether an effect is applied or taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sign {
    Plus,
    Minus,
}

impl Sign {
    fn of(self, quantity: Quantity) -> Quantity {
        match self {
            Self::Plus => quantity,
            Self::Minus => quantity.negated(),
        }
    }
}

/// A movement's row was put or deleted: both locations follow.
pub(super) fn movement<S: FoldStore>(
    store: &mut S,
    row: &MovementRow,
    sign: Sign,
) -> Result<(), S::Error> {
    let quantity = sign.of(row.movement.quantity);
    side(store, row, &row.movement.from, quantity.negated(), sign)?;
    side(store, row, &row.movement.to, quantity, sign)
}

/// One location of a movement.
fn side<S: FoldStore>(
    store: &mut S,
    row: &MovementRow,
    location: &Location,
    delta: Quantity,
    sign: Sign,
) -> Result<(), S::Error> {
    let item = &row.movement.item;
    let effective = row.key.effective;
    let reaches = |it: &Step| it.cut >= row.key || it.window_to >= effective;
    let last = if location.is_countable() {
        store.step_last(item, location)?.filter(reaches)
    } else {
        None
    };
    if last.is_none() {
        return store.balance_add(item, location, delta);
    }
    let mut steps = store.steps(item, location)?;
    let explained = steps.iter_mut().find(|it| it.cut >= row.key);
    let book = match explained {
        Some(step) => {
            step.variance = step.variance.minus(delta);
            &Location::Loss
        }
        None => location,
    };
    store.balance_add(item, book, delta)?;
    let doubtful = |it: &&mut Step| it.window_from <= effective && effective <= it.window_to;
    for step in steps.iter_mut().filter(doubtful) {
        step.ambiguous_movements = match sign {
            Sign::Plus => step.ambiguous_movements.saturating_add(1),
            Sign::Minus => step.ambiguous_movements.saturating_sub(1),
        };
    }
    store.steps_set(item, location, &steps)
}

/// What the counts of an item at a location say: accepted and pending lines.
pub fn count_state<S: FoldStore>(
    store: &S,
    item: &ItemId,
    location: &Location,
) -> Result<CountState, S::Error> {
    if !location.is_countable() {
        return Ok(CountState::default());
    }
    let rows = store.count_rows(item, location)?;
    let mut closes = store.closes_listing(item, location)?;
    for session in count::sessions(&rows) {
        closes.extend(store.closes_of(&session, location)?);
    }
    Ok(count::replay(&rows, &closes, store.rules()))
}

/// The counts of an item at a location changed: derives its steps again.
pub(super) fn counts<S: FoldStore>(
    store: &mut S,
    item: &ItemId,
    location: &Location,
) -> Result<(), S::Error> {
    let anchors = count_state(store, item, location)?.anchors;
    let old = store.steps(item, location)?;
    let mut steps = Vec::<Step>::with_capacity(anchors.len());
    let mut unchanged = true;
    for (index, anchor) in anchors.iter().enumerate() {
        let same = |it: &&Step| it.cut == anchor.cut && it.quantity == anchor.quantity;
        let kept = old.get(index).filter(same).filter(|it| {
            unchanged && it.window_from == anchor.window_from && it.window_to == anchor.window_to
        });
        if let Some(step) = kept {
            steps.push(*step);
            continue;
        }
        unchanged = false;
        let before: Option<(OrderKey, Quantity)> = steps.last().map(|it| (it.cut, it.quantity));
        let after = before.as_ref().map(|it| &it.0);
        let net = store.net(item, location, after, &anchor.cut)?;
        let expected = before.map(|it| it.1).unwrap_or_default().plus(net);
        let (from, to) = (anchor.window_from, anchor.window_to);
        steps.push(Step {
            quantity: anchor.quantity,
            cut: anchor.cut,
            variance: anchor.quantity.minus(expected),
            window_from: from,
            window_to: to,
            ambiguous_movements: store.movements_within(item, location, from, to)?,
        });
    }
    let sum = |steps: &[Step]| -> Quantity { steps.iter().map(|it| it.variance).sum() };
    let change = sum(&steps).minus(sum(&old));
    if change != Quantity::ZERO {
        store.balance_add(item, location, change)?;
        store.balance_add(item, &Location::Loss, change.negated())?;
    }
    if steps == old {
        return Ok(());
    }
    store.steps_set(item, location, &steps)
}
