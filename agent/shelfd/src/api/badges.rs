//! Staff badges over the API: who has some, who gets the next one that is shown, whose are forgotten. No
//! answer ever holds a badge's number or anything made from it.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde_json::json;
use shelf_stock::name::StaffId;

use super::fields::Fields;
use super::orders::manager;
use super::problem::Problem;
use super::{Answer, Site, Web};
use crate::daemon::badges::{BadgeError, BadgeList, ENROL_MS_MAX};

/// `GET /api/v1/badges`
pub(super) async fn list(State(web): Site) -> Json<BadgeList> {
    Json(web.shop.badges.list(web.shop.clock.millis()))
}

/// `POST /api/v1/badges`: the next badge that is shown to a reader of this PC becomes `staff`'s.
pub(super) async fn enrol(
    State(web): Site,
    fields: Fields,
) -> Answer<(StatusCode, Json<serde_json::Value>)> {
    let staff: StaffId = fields.parse("staff")?;
    allowed(&web, fields).await?;
    if !web
        .shop
        .devices
        .rows()
        .iter()
        .any(|it| it.kind == "badge_reader")
    {
        let problem = Problem::new(
            StatusCode::CONFLICT,
            "no-reader",
            "this PC has no badge reader",
        );
        return Err(problem.hint("add a [[device]] with kind = \"badge_reader\""));
    }
    web.shop
        .badges
        .enrol(staff.clone(), web.shop.clock.millis());
    let answer = json!({ "staff": staff, "within_ms": ENROL_MS_MAX });
    Ok((StatusCode::ACCEPTED, Json(answer)))
}

/// `POST /api/v1/badges/forget`: all badges of `staff` are nobody's from now on.
pub(super) async fn forget(State(web): Site, fields: Fields) -> Answer<Json<serde_json::Value>> {
    let staff: StaffId = fields.parse("staff")?;
    allowed(&web, fields).await?;
    web.blocking(move |shop| {
        let forgotten = shop.badges.forget(&staff).map_err(problem)?;
        Ok(Json(json!({ "forgotten": forgotten })))
    })
    .await
}

/// Where managers have PINs, a badge is given and taken only with one: a badge can approve.
async fn allowed(web: &std::sync::Arc<Web>, fields: Fields) -> Answer<()> {
    if web.shop.config.policy.manager_pin_file.is_none() {
        return Ok(());
    }
    web.blocking(move |shop| match manager(shop, &fields)? {
        Some(_) => Ok(()),
        None => Err(Problem::forbidden("a manager's PIN is needed")
            .hint("send `pin`; the command line asks for it")),
    })
    .await
}

fn problem(error: BadgeError) -> Problem {
    let detail = crate::daemon::counter::chain(&error);
    tracing::error!(%detail, "badges can't be kept");
    Problem::inside(detail)
}
