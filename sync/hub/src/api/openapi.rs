//! The OpenAPI 3.1 description, made from the handlers themselves.
//!
//! `openapi.json` beside this crate is the same text, checked in, so that a change of the API is
//! a change that reviewers see; a test compares the two.

use axum::http::header;
use axum::response::IntoResponse;
use utoipa::OpenApi;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};

use super::{
    bootstrap, catalogue, document, health, level, order, pickup, policy, problem, stock, store,
    watch,
};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "shelf-hub",
        description = "Stores, stock, documents and the catalogue. Quantities are integers in \
                       thousandths of the item's unit, money in minor units, times in \
                       milliseconds since 1970. Errors are RFC 9457 problems with a hint."
    ),
    paths(
        health::healthz,
        health::metrics,
        store::stores,
        store::nodes,
        store::admit,
        stock::page,
        stock::one,
        document::page,
        bootstrap::list,
        bootstrap::part,
        catalogue::import,
        catalogue::page,
        catalogue::file,
        order::create,
        order::one,
        order::cancel,
        order::change,
        order::pay,
        watch::assign,
        pickup::one,
        pickup::put,
        pickup::delete,
        level::page,
        watch::reconciled,
        policy::one,
        policy::put,
        policy::grantor,
        policy::set_grantor,
        watch::page,
        watch::exceptions,
        watch::compensations,
        watch::recovery,
        store::restored,
        served,
    ),
    components(schemas(problem::Problem)),
    modifiers(&Bearer),
    security(("bearer" = []), ())
)]
struct Description;

struct Bearer;

impl utoipa::Modify for Bearer {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let bearer = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
        openapi
            .components
            .get_or_insert_default()
            .add_security_scheme("bearer", bearer);
    }
}

/// The description as JSON text.
#[must_use]
pub fn document() -> String {
    // The description is made of literals: it has a JSON form.
    let json = Description::openapi().to_pretty_json();
    json.unwrap_or_default() + "\n"
}

/// This description.
#[utoipa::path(get, path = "/openapi.json", tag = "operations",
    responses((status = 200, description = "OpenAPI 3.1", body = Object)))]
pub(super) async fn served() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], document())
}
