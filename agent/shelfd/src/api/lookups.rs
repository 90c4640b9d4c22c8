//! What somebody means by a typed text: a code, a number, or a name that only one item has.
//!
//! Used wherever a person or a program names an item, so that it means the same on every page.
//! Several items for one text are never chosen from by guessing.

use axum::http::StatusCode;
use shelf_codecs::barcode::ScanText;
use shelf_stock::item::Item;
use shelf_stock::name::ItemId;
use shelf_till::basket::Read;

use super::fields::Fields;
use super::problem::Problem;
use crate::daemon::shop::Shop;

/// Items that a problem names at most.
const NAMED_MAX: usize = 5;

/// What a typed text is at a till. A code that nobody knows stays a code, so that the sale can
/// go on; a name that several items have is a problem.
pub(crate) fn typed(shop: &Shop, text: &str) -> Result<Read, Problem> {
    let read = shop.lookup.read(&ScanText::plain(text.as_bytes()));
    if !matches!(read, Read::Unknown { .. } | Read::Bad { .. }) {
        return Ok(read);
    }
    let found = by_name(shop, text)?;
    match found.as_slice() {
        [item] => picked(shop, &item.id),
        [] if text.contains(' ') => Err(nobody_knows(text)),
        [] => Ok(read),
        several => Err(several_match(text, several)),
    }
}

/// An item that was picked.
pub(crate) fn picked(shop: &Shop, id: &ItemId) -> Result<Read, Problem> {
    shop.lookup
        .picked(id)?
        .ok_or_else(|| nobody_knows(id.as_str()))
}

/// The item that the fields name: `item` by number, else `code` as typed.
pub(crate) fn item(shop: &Shop, fields: &Fields) -> Result<Item, Problem> {
    if let Some(id) = fields.parsed::<ItemId>("item")? {
        let found = shop.readers.with(|ledger| ledger.item(&id))?;
        return found.ok_or_else(|| nobody_knows(id.as_str()));
    }
    let text = fields.needed("code")?;
    match typed(shop, text)? {
        Read::Item(read) => Ok(read.item),
        Read::Unknown { code } => Err(nobody_knows(code.as_str())),
        Read::Bad { reason, .. } => Err(Problem::value("code", reason)),
        Read::Refused { .. } => Err(Problem::value(
            "code",
            "this is a card or wallet code; it was not kept",
        )),
    }
}

fn by_name(shop: &Shop, text: &str) -> Result<Vec<Item>, Problem> {
    let found = shop
        .readers
        .with(|ledger| ledger.item_search(text, NAMED_MAX))?;
    // The number or the whole name, exactly, is nobody else's.
    let exact = |it: &&Item| it.id.as_str() == text || it.name.eq_ignore_ascii_case(text);
    let only: Vec<Item> = found.iter().filter(exact).cloned().collect();
    Ok(if only.len() == 1 { only } else { found })
}

fn nobody_knows(text: &str) -> Problem {
    Problem::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "unknown-item",
        format!("no item is `{text}`"),
    )
    .hint("search for its name, or import it into the catalogue")
}

fn several_match(text: &str, several: &[Item]) -> Problem {
    let names: Vec<&str> = several.iter().map(|it| it.name.as_str()).collect();
    let detail = format!("`{text}` fits several items: {}", names.join(", "));
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "several-items", detail)
        .hint("type more of the name, or pick one from the list")
}
