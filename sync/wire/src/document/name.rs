//! Names, numbers of 14 digits, quantities and locations as they stand in documents.
//!
//! A GTIN of 14 digits is most of a small document's bytes as text and half of that as a number;
//! the two forms never mean the same, so that each name has one encoding.

use std::str::FromStr;

use shelf_stock::location::Location;
use shelf_stock::name::NameError;
use shelf_stock::quantity::{Quantity, THOUSANDTHS_PER_UNIT};

use super::DecodeError;
use crate::generated as proto;

const GTIN_DIGITS: usize = 14;
const GTIN_MAX: u64 = 99_999_999_999_999;

/// A name as number or text; exactly one of the two is set.
pub(super) fn write(text: &str) -> (u64, String) {
    let digits = text.len() == GTIN_DIGITS && text.bytes().all(|it| it.is_ascii_digit());
    match text.parse::<u64>() {
        Ok(number) if digits && number > 0 => (number, String::new()),
        _ => (0, text.to_owned()),
    }
}

/// The name in a number or a text; `None` where neither is set.
pub(super) fn read<N: FromStr<Err = NameError>>(
    field: &'static str,
    number: u64,
    text: String,
) -> Result<Option<N>, DecodeError> {
    match number {
        0 => optional(field, text),
        1..=GTIN_MAX if text.is_empty() => {
            required(field, format!("{number:0GTIN_DIGITS$}")).map(Some)
        }
        _ => Err(DecodeError::Field { field }),
    }
}

/// A name that may be left out.
pub(super) fn optional<N: FromStr<Err = NameError>>(
    field: &'static str,
    text: String,
) -> Result<Option<N>, DecodeError> {
    match text.as_str() {
        "" => Ok(None),
        _ => required(field, text).map(Some),
    }
}

/// A name that must be there.
pub(super) fn required<N: FromStr<Err = NameError>>(
    field: &'static str,
    text: String,
) -> Result<N, DecodeError> {
    text.parse()
        .map_err(|source| DecodeError::Name { field, source })
}

/// A quantity as (whole units, thousandths); neither is one unit.
pub(super) fn write_quantity(quantity: Quantity) -> (Option<i64>, Option<i64>) {
    if quantity == Quantity::ONE {
        (None, None)
    } else if quantity.is_whole() {
        (Some(quantity.as_thousandths() / THOUSANDTHS_PER_UNIT), None)
    } else {
        (None, Some(quantity.as_thousandths()))
    }
}

/// The quantity in (whole units, thousandths).
pub(super) fn read_quantity(
    units: Option<i64>,
    thousandths: Option<i64>,
) -> Result<Quantity, DecodeError> {
    match (units, thousandths) {
        (None, None) => Ok(Quantity::ONE),
        (None, Some(thousandths)) => Ok(Quantity::thousandths(thousandths)),
        (Some(units), None) => match units.checked_mul(THOUSANDTHS_PER_UNIT) {
            Some(thousandths) => Ok(Quantity::thousandths(thousandths)),
            None => Err(DecodeError::Field { field: "units" }),
        },
        (Some(_), Some(_)) => Err(DecodeError::Field { field: "units" }),
    }
}

/// A location, and the store of one in transit; `usual` is left out.
pub(super) fn write_location(location: &Location, usual: &Location) -> (i32, String) {
    let code = match location {
        _ if location == usual => proto::Location::Usual,
        Location::SalesFloor => proto::Location::SalesFloor,
        Location::Backroom => proto::Location::Backroom,
        Location::Staging => proto::Location::Staging,
        Location::Inspection => proto::Location::Inspection,
        Location::Damaged => proto::Location::Damaged,
        Location::Supplier => proto::Location::Supplier,
        Location::Customer => proto::Location::Customer,
        Location::Loss => proto::Location::Loss,
        Location::Transit(store) => return (proto::Location::Transit.into(), store.to_string()),
    };
    (code.into(), String::new())
}

/// The location in a code and the store of one in transit.
pub(super) fn read_location(
    field: &'static str,
    code: i32,
    store: String,
    usual: &Location,
) -> Result<Location, DecodeError> {
    let known =
        proto::Location::try_from(code).map_err(|_| DecodeError::Unknown { field, value: code })?;
    Ok(match known {
        proto::Location::Usual => usual.clone(),
        proto::Location::SalesFloor => Location::SalesFloor,
        proto::Location::Backroom => Location::Backroom,
        proto::Location::Staging => Location::Staging,
        proto::Location::Inspection => Location::Inspection,
        proto::Location::Damaged => Location::Damaged,
        proto::Location::Supplier => Location::Supplier,
        proto::Location::Customer => Location::Customer,
        proto::Location::Loss => Location::Loss,
        proto::Location::Transit => Location::Transit(required(field, store)?),
    })
}
