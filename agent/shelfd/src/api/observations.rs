//! What other sensors measured, over the API. It never moves stock.

use std::collections::{BTreeMap, VecDeque};

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;

use super::fields::Fields;
use super::problem::Problem;
use super::{Answer, Site};
use crate::daemon::observations::{Observation, SENSORS_MAX};
use crate::platform;

/// Characters of a sensor's name, of a kind and of a unit.
const NAME_CHARS_MAX: usize = 40;

/// `GET /api/v1/observations`
pub(super) async fn list(State(web): Site) -> Json<BTreeMap<String, VecDeque<Observation>>> {
    Json(web.shop.observations.all())
}

/// `POST /api/v1/observations`
pub(super) async fn take(
    State(web): Site,
    fields: Fields,
) -> Answer<(StatusCode, Json<Observation>)> {
    let observation = Observation {
        sensor: name(&fields, "sensor")?,
        kind: name(&fields, "kind")?,
        value: fields.parse("value")?,
        unit: match fields.text("unit") {
            Some(_) => name(&fields, "unit")?,
            None => String::new(),
        },
        at: platform::wall_now(),
    };
    if !web.shop.observations.take(observation.clone()) {
        let detail = format!("this PC knows {SENSORS_MAX} sensors already");
        return Err(
            Problem::new(StatusCode::CONFLICT, "too-many-sensors", detail)
                .hint("names must not change from value to value; a restart forgets them"),
        );
    }
    Ok((StatusCode::CREATED, Json(observation)))
}

fn name(fields: &Fields, key: &str) -> Answer<String> {
    let text = fields.needed(key)?;
    let fits = text.chars().count() <= NAME_CHARS_MAX && !text.chars().any(char::is_control);
    match fits {
        true => Ok(shelf_till::source::masked(text)),
        false => Err(Problem::value(
            key,
            format!("give at most {NAME_CHARS_MAX} printable characters"),
        )),
    }
}
