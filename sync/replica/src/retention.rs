//! Orders that are long at their end: their rows go, a small mark stays and goes later.
//!
//! The mark absorbs whatever still comes about the order: a channel's repeated command, a row that
//! a restored hub tells again. What the order handed over stays in the cells of rights, which are
//! sums; nobody computes them again from rows. Both sides do it by their own clocks and need not
//! agree when. An order with a contradiction that somebody has to look at is kept.

use shelf_stock::customer_order::{Order, OrderState};
use shelf_stock::name::{ChannelId, OrderId};
use shelf_stock::time::Timestamp;

use crate::orders::StoredOrder;
use crate::rights::{Reader, Writer};
use crate::store::{Family, KeyedRow, Store};

const FORMAT: u8 = 1;
/// State key: after which order the next run goes on.
const AFTER_KEY: &str = "orders.retired_after";
/// The same for marks.
const MARKS_AFTER_KEY: &str = "orders.marks_after";
const DAY_MS: i64 = 24 * 3_600_000;

/// How long orders are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderRetention {
    /// The time.
    pub now: Timestamp,
    /// Ended orders keep their rows for so long after they were accepted, in milliseconds.
    pub rows_ms: i64,
    /// Their marks go so long after they were accepted, in milliseconds.
    pub marks_ms: i64,
    /// Rows of each kind that are looked at in one run.
    pub looked_at_max: usize,
}

impl OrderRetention {
    /// Half a year for rows, two years for marks, 2,000 rows at a time.
    pub fn usual(now: Timestamp) -> Self {
        Self {
            now,
            rows_ms: 180 * DAY_MS,
            marks_ms: 730 * DAY_MS,
            looked_at_max: 2_000,
        }
    }
}

/// What a run did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retired {
    /// Orders whose rows became marks.
    pub orders: usize,
    /// Marks that went.
    pub marks: usize,
}

/// What is left of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// How it ended.
    pub state: OrderState,
    /// Its last revision: nothing of it is newer.
    pub revision: u64,
    /// When the hub had accepted it.
    pub accepted: Timestamp,
    /// Whose it was.
    pub channel: ChannelId,
}

impl Mark {
    /// The mark of an order, if one is left.
    pub fn load<S: Store + ?Sized>(store: &S, id: &OrderId) -> Result<Option<Self>, S::Error> {
        let bytes = store.row(Family::EndedOrder, id.as_str().as_bytes())?;
        Ok(bytes.and_then(|it| Self::read(&it)))
    }

    /// An order without anything but what the mark knows.
    pub fn order(self, id: &OrderId) -> Order {
        Order {
            id: id.clone(),
            channel: self.channel,
            revision: self.revision,
            stamp: 0,
            state: self.state,
            cancel_wanted: false,
            owner: None,
            lines: Vec::new(),
            shorted: Vec::new(),
            accepted: self.accepted,
            promised: None,
            pay_on_collection: false,
            tenders: Vec::new(),
        }
    }

    fn of(order: &Order) -> Self {
        Self {
            state: order.state,
            revision: order.revision,
            accepted: order.accepted,
            channel: order.channel.clone(),
        }
    }

    fn to_bytes(&self) -> Vec<u8> {
        let state = match self.state {
            OrderState::HandedOver => 1,
            OrderState::Shorted => 2,
            _ => 0,
        };
        Writer::new(FORMAT)
            .number(state)
            .number(self.revision)
            .signed(self.accepted.as_millis())
            .text(self.channel.as_str().as_bytes())
            .done()
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let mut it = Reader::new(bytes, FORMAT)?;
        Some(Self {
            state: match it.number()? {
                0 => OrderState::Cancelled,
                1 => OrderState::HandedOver,
                2 => OrderState::Shorted,
                _ => return None,
            },
            revision: it.number()?,
            accepted: Timestamp::from_millis(it.signed()?),
            channel: ChannelId::new(std::str::from_utf8(it.text()?).ok()?).ok()?,
        })
    }
}

/// Looks at the next orders and marks: those that are old enough go. Call it again and again; it
/// begins anew at the end.
pub fn retire_orders<S: Store + ?Sized>(
    store: &mut S,
    retention: &OrderRetention,
) -> Result<Retired, S::Error> {
    let mut retired = Retired::default();
    for (key, value) in next(store, Family::Order, AFTER_KEY, retention)? {
        let Some(stored) = StoredOrder::read(&value) else {
            continue;
        };
        let order = stored.order;
        let age_ms = retention.now.millis_since(order.accepted);
        let old = order.state.is_end() && age_ms > retention.rows_ms;
        if old && !is_in_trouble(store, &key)? {
            store.set_row(Family::EndedOrder, &key, &Mark::of(&order).to_bytes())?;
            store.delete_row(Family::OrderStamp, &order.stamp.to_be_bytes())?;
            store.delete_row(Family::Order, &key)?;
            retired.orders += 1;
        }
    }
    for (key, value) in next(store, Family::EndedOrder, MARKS_AFTER_KEY, retention)? {
        let mark = Mark::read(&value);
        let age_ms = mark.map(|it| retention.now.millis_since(it.accepted));
        if age_ms.is_none_or(|it| it > retention.marks_ms) {
            drop_below(store, Family::Compensation, &key)?;
            store.delete_row(Family::EndedOrder, &key)?;
            retired.marks += 1;
        }
    }
    Ok(retired)
}

/// The next rows of a family, and notes where to go on.
fn next<S: Store + ?Sized>(
    store: &mut S,
    family: Family,
    state: &str,
    retention: &OrderRetention,
) -> Result<Vec<KeyedRow>, S::Error> {
    let after = store.state(state)?.unwrap_or_default();
    let max = retention.looked_at_max.max(1);
    let rows = store.rows(family, &after, max)?;
    let at = match rows.last() {
        Some((key, _)) if rows.len() == max => key.clone(),
        _ => Vec::new(),
    };
    if at != after {
        store.set_state(state, &at)?;
    }
    Ok(rows)
}

/// Whether somebody has to look at an order: keys of troubles are its name and one byte.
fn is_in_trouble<S: Store + ?Sized>(store: &S, order: &[u8]) -> Result<bool, S::Error> {
    let rows = store.rows(Family::Exception, order, 8)?;
    let own = |(key, _): &KeyedRow| key.split_last().is_some_and(|it| it.1 == order);
    Ok(rows.iter().any(own))
}

/// Deletes an order's rows whose keys are its name, a zero and more.
fn drop_below<S: Store + ?Sized>(
    store: &mut S,
    family: Family,
    order: &[u8],
) -> Result<(), S::Error> {
    let prefix = [order, &[0]].concat();
    loop {
        let rows = store.rows(family, &prefix, 64)?;
        let own = rows.iter().filter(|(key, _)| key.starts_with(&prefix));
        let own: Vec<_> = own.map(|(key, _)| key.clone()).collect();
        for key in &own {
            store.delete_row(family, key)?;
        }
        if own.len() < 64 {
            return Ok(());
        }
    }
}
