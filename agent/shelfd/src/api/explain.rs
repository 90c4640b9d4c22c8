//! Why the store lets channels sell so much of an item, as numbers and in sentences.

use axum::Json;
use axum::extract::{Path, State};
use shelf_stock::name::ItemId;

use super::problem::Problem;
use super::{Answer, Site};
use crate::daemon::safety::explain::{Explanation, explain};
use crate::daemon::shop::Shop;
use crate::pages::explain::sentences;
use crate::pages::speech::Speech;
use crate::pages::texts::Language;

/// `GET /api/v1/stock/{item}/explain`
pub(super) async fn item(
    State(web): Site,
    Path(id): Path<String>,
    speech: Speech,
) -> Answer<Json<Explanation>> {
    let language = speech.language;
    web.blocking(move |shop| explained(shop, &id, language))
        .await
        .map(Json)
}

/// An item's explanation in a language.
pub(super) fn explained(shop: &Shop, id: &str, language: Language) -> Answer<Explanation> {
    let item = ItemId::new(id).map_err(|error| Problem::value("item", error))?;
    let found = explain(shop, &item)?;
    let mut found =
        found.ok_or_else(|| Problem::missing(format!("nobody ever heard of the item `{item}`")))?;
    found.sentences = sentences(language, &found);
    Ok(found)
}
